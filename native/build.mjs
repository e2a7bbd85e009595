/**
 * Builds what runs outside JavaScript: the BPF objects of bpf/ with clang, and the addon of native/src with
 * the C compiler, Node's own headers and libbpf. It has no dependencies, runs on Node 18 or newer,
 * and returns in milliseconds when nothing changed (a hash of the sources, kept beside the output).
 *
 *   node native/build.mjs              builds into native/build/
 *   node native/build.mjs --required   fails, instead of saying what is missing and ending well
 *   node native/build.mjs --if-possible  says nothing when something is missing
 *   node native/build.mjs --asan       an addon with AddressSanitizer, into native/build-asan/
 *
 * The daemon runs without the result, and sees less: so a machine without a compiler is no error.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "..");
const asan = process.argv.includes("--asan");
const required = process.argv.includes("--required");
const output = path.join(here, asan ? "build-asan" : "build");
const stamp = path.join(output, "stamp");

const compiler = process.env.CC ?? "cc";
const clang = process.env.CLANG ?? "clang";

class Missing extends Error {}

const say = (line) => process.stderr.write(`native: ${line}\n`);

/** Folders that hold Node's headers: of the pinned runtime first, of the running Node else. */
function nodeHeaders() {
  const near = path.join(root, "node_modules", "node", "node_modules");
  const packages = fs.existsSync(near) ? fs.readdirSync(near) : [];
  const folders = [
    ...packages.map((name) => path.join(near, name, "include", "node")),
    path.resolve(path.dirname(process.execPath), "..", "include", "node"),
    "/usr/include/node",
  ];
  const found = folders.find((folder) => fs.existsSync(path.join(folder, "node_api.h")));
  if (found === undefined)
    throw new Missing("node_api.h (npm ci installs it with the Node package)");
  return found;
}

function sourcesOf(folder, pattern) {
  return fs
    .readdirSync(path.join(root, folder))
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => path.join(root, folder, name));
}

function inPath(binary) {
  if (path.isAbsolute(binary)) return fs.existsSync(binary);
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return folders.some((folder) => fs.existsSync(path.join(folder, binary)));
}

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (error !== undefined) throw new Missing(`${command} (${error.message})`);
  if (status === 0) return;
  const missing = /fatal error: '?"?([\w/.-]+\.h)|cannot find (-l\S+?):? /.exec(stderr);
  if (missing !== null) throw new Missing(missing[1] ?? missing[2]);
  throw new Error(`${command} ${args.join(" ")}\n${stderr}`);
}

/** Debian keeps asm/types.h in a folder of the architecture, which a foreign target does not search. */
function architectureIncludes() {
  const { stdout } = spawnSync(compiler, ["-print-multiarch"], { encoding: "utf8" });
  const name = (stdout ?? "").trim();
  const folder = path.join("/usr/include", name);
  return name !== "" && fs.existsSync(folder) ? ["-idirafter", folder] : [];
}

/** By renaming: a process that has the old file open keeps it whole. */
function intoPlace(name, make) {
  const draft = path.join(output, `${name}.${process.pid}`);
  try {
    make(draft);
    fs.renameSync(draft, path.join(output, name));
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

function buildPrograms() {
  if (!inPath(clang)) throw new Missing(clang);
  const flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Wextra", "-Werror"];
  // Tracepoints and timer callbacks have parameters that not every program needs.
  flags.push("-Wno-unused-parameter", "-Wno-unused-variable", "-Ibpf", ...architectureIncludes());
  for (const source of sourcesOf("bpf", /\.bpf\.c$/)) {
    intoPlace(`${path.basename(source, ".c")}.o`, (object) => {
      run(clang, [...flags, "-c", source, "-o", object]);
      // Line tables are in the BTF; DWARF would triple the size.
      if (inPath("llvm-strip")) run("llvm-strip", ["-g", object]);
    });
  }
}

function buildAddon() {
  if (!inPath(compiler)) throw new Missing(compiler);
  const flags = ["-std=gnu11", "-O2", "-g", "-fPIC", "-Wall", "-Wextra", "-Werror"];
  flags.push("-fvisibility=hidden", "-DNAPI_VERSION=9", "-isystem", nodeHeaders());
  const sanitizers = asan ? ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"] : [];
  const objects = fs.mkdtempSync(path.join(output, "objects-"));
  try {
    for (const source of sourcesOf("native/src", /\.c$/)) {
      const object = path.join(objects, `${path.basename(source)}.o`);
      run(compiler, [...flags, ...sanitizers, "-c", source, "-o", object]);
    }
    const inputs = fs.readdirSync(objects).map((name) => path.join(objects, name));
    intoPlace("meshmend.node", (target) => linkAddon([...sanitizers, ...inputs, "-o", target]));
  } finally {
    fs.rmSync(objects, { recursive: true, force: true });
  }
}

/**
 * With a static libbpf where its archive is position-independent (Debian's is not): such an addon
 * runs where libbpf is not installed, or is another version.
 */
function linkAddon(args) {
  const link = (...libraries) =>
    run(compiler, ["-shared", "-Wl,-z,relro,-z,now", ...args, ...libraries, "-lpthread"]);
  try {
    link("-Wl,--exclude-libs,ALL", "-l:libbpf.a", "-lelf", "-lz");
  } catch (error) {
    if (!(error instanceof Missing) && !error.message.includes("recompile with -fPIC")) throw error;
    link("-lbpf", "-lelf", "-lz");
  }
}

function fingerprint() {
  const hash = createHash("sha256");
  const files = [
    ...sourcesOf("bpf", /\.[ch]$/),
    ...sourcesOf("native/src", /\.[ch]$/),
    fileURLToPath(import.meta.url),
  ];
  for (const file of files) hash.update(file).update(fs.readFileSync(file));
  return hash.update(`${process.arch} ${compiler} ${clang}`).digest("hex");
}

function upToDate(print) {
  const present = ["meshmend.node", "mesh.bpf.o", "latency.bpf.o"];
  try {
    return (
      fs.readFileSync(stamp, "utf8") === print &&
      present.every((name) => fs.existsSync(path.join(output, name)))
    );
  } catch {
    return false;
  }
}

function main() {
  if (process.platform !== "linux") return say("not Linux: nothing to build");
  const print = fingerprint();
  if (upToDate(print)) return;
  fs.mkdirSync(output, { recursive: true });
  fs.rmSync(stamp, { force: true });
  const missing = [];
  for (const build of [buildPrograms, buildAddon]) {
    try {
      build();
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      missing.push(error.message);
    }
  }
  if (missing.length === 0) {
    fs.writeFileSync(stamp, print);
    return say(`built into ${path.relative(root, output)}`);
  }
  if (process.argv.includes("--if-possible")) return;
  say(`not built, missing: ${missing.join(", ")}`);
  say("meshmend runs without it and sees less. On Debian:");
  say("  apt-get install clang llvm gcc libbpf-dev libelf-dev zlib1g-dev linux-libc-dev");
  if (required) process.exitCode = 1;
}

try {
  main();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
