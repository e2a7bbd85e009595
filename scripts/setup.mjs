/**
 * Makes a checkout ready: node_modules as the lock file says and, for tests as root on Debian, the
 * system tools the tests call. `npm start`, `npm test` and `npm run check` run it first.
 *
 * It has no dependencies and runs on the machine's own Node (18 or newer), since it is what installs
 * the pinned one. It asks for nothing, is safe to run twice or at the same time as another, and
 * returns in milliseconds when nothing is missing. Progress goes to stderr.
 *
 *   node scripts/setup.mjs          packages needed to run the daemon; never needs root
 *   node scripts/setup.mjs --test   all packages, the system tools, and the image of the lab
 *
 * MESHMEND_SETUP_APT=no leaves the system packages alone, MESHMEND_TEST_LAB=0 the lab.
 */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/**
 * System tools that tests call, and what the native addon and the BPF programs are built with; a
 * `binary` with a slash is a file. A test that misses its tool skips and says so.
 */
const systemTools = [
  { binary: "ip", debian: "iproute2", reason: "network namespaces and virtual links" },
  { binary: "ping", debian: "iputils-ping", reason: "the user's view of a repair" },
  { binary: "nft", debian: "nftables", reason: "faults: dropped and delayed traffic" },
  { binary: "ps", debian: "procps", reason: "looking at the daemon's processes" },
  { binary: "curl", debian: "curl", reason: "the commands in the documentation" },
  { binary: "shellcheck", debian: "shellcheck", reason: "checking shell scripts" },
  { binary: "promtool", debian: "prometheus", reason: "checking metrics, rules and alerts" },
  { binary: "systemd-analyze", debian: "systemd", reason: "checking the service unit" },
  { binary: "clang", debian: "clang", reason: "building the BPF programs" },
  { binary: "llvm-strip", debian: "llvm", reason: "building the BPF programs" },
  { binary: "cc", debian: "gcc", reason: "building the native addon" },
  { binary: "/usr/include/stdio.h", debian: "libc6-dev", reason: "building the native addon" },
  {
    binary: "/usr/include/bpf/libbpf.h",
    debian: "libbpf-dev",
    reason: "building the native addon",
  },
  { binary: "/usr/include/libelf.h", debian: "libelf-dev", reason: "building the native addon" },
  { binary: "/usr/include/zlib.h", debian: "zlib1g-dev", reason: "building the native addon" },
];

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const modules = path.join(root, "node_modules");
const lockDir = path.join(root, ".cache", "setup.lock");
const lockWaitMs = 15 * 60_000;
const policyFile = "/usr/sbin/policy-rc.d";
const policyMark = "# meshmend setup: installing a tool for tests must not start its service";

/** What to put back when we end, in reverse order. */
const cleanups = [];

/** The command that is running, and the signal that asks us to end once it has. */
let running = null;
let stopSignal = null;

/** A failure whose message says what to do. */
class SetupError extends Error {}

const say = (line) => process.stderr.write(`setup: ${line}\n`);

// --- npm packages -------------------------------------------------------------------------------

/** Why node_modules does not satisfy package-lock.json, or null when it does. */
function packagesMissing(withDev) {
  // npm writes this copy of the lock last, so an install cut short does not pass for a whole one.
  const installed = readJson(path.join(modules, ".package-lock.json"))?.packages;
  if (installed === undefined) return "packages are not installed";
  const wanted = readJson(path.join(root, "package-lock.json"))?.packages;
  if (wanted === undefined) {
    throw new SetupError("package-lock.json is missing or damaged: restore it from git");
  }
  for (const [place, entry] of Object.entries(wanted)) {
    if (place === "" || entry.link || (entry.dev && !withDev)) continue;
    const found = installed[place];
    if (found === undefined && (entry.optional || entry.devOptional || entry.peer)) continue;
    const name = place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
    if (found === undefined) return `${name} is not installed`;
    if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${name} ${found.version} is installed, ${entry.version} is wanted`;
    }
  }
  return runnable(path.join(modules, ".bin", "node")) ? null : "the pinned Node is not installed";
}

async function installPackages(withDev) {
  // Naming dev explicitly: NODE_ENV=production would leave it out silently.
  const args = ["ci", withDev ? "--include=dev" : "--omit=dev", "--no-fund", "--loglevel=error"];
  say(`npm ${args.join(" ")}`);
  const npm = process.env.npm_execpath;
  const [command, before] = npm?.endsWith(".js")
    ? [process.env.npm_node_execpath ?? process.execPath, [npm]]
    : ["npm", []];
  const env = {
    ...process.env,
    // `npm ci` deletes the Node in node_modules/.bin, which may be the one we run on.
    PATH: (process.env.PATH ?? "")
      .split(path.delimiter)
      .filter((folder) => !folder.endsWith(path.join("node_modules", ".bin")))
      .join(path.delimiter),
  };
  const code = await runTwice(command, [...before, ...args], env);
  if (code === "ENOENT") throw new SetupError("npm was not found: install Node.js with npm");
  if (code !== 0) {
    throw new SetupError(
      `npm ci failed (exit code ${code}), its messages are above. ` +
        "Without a network, copy node_modules from a machine of the same kind.",
    );
  }
  const still = packagesMissing(withDev);
  if (still !== null) {
    throw new SetupError(
      `npm ci succeeded, but ${still}. Is "ignore-scripts" set? See: npm config get ignore-scripts`,
    );
  }
  say("packages are installed");
}

// --- system packages ----------------------------------------------------------------------------

/** test/lab/image/build.mjs where the lab is wanted and can be: on one kind of processor. */
let lab = null;
const isThere = (binary) => (binary.startsWith("/") ? fs.existsSync(binary) : inPath(binary));
const missingTools = () => {
  const named = new Set(systemTools.map(({ binary }) => binary));
  const ofLab = lab?.labTools.filter(({ binary }) => !named.has(binary)) ?? [];
  return [...systemTools, ...ofLab].filter(({ binary }) => !isThere(binary));
};
const mayInstallTools = () =>
  process.getuid?.() === 0 && inPath("apt-get") && process.env.MESHMEND_SETUP_APT !== "no";
const installArguments = ["install", "-y", "--no-install-recommends"];

function reportTools(missing) {
  if (missing.length === 0) return;
  for (const { binary, debian, reason } of missing) {
    say(`missing: ${binary} (Debian package ${debian}), for ${reason}`);
  }
  if (mayInstallTools()) return;
  say("tests that need these tools will skip. To have them, on Debian:");
  const names = missing.map(({ debian }) => debian).join(" ");
  say(`  sudo apt-get update && sudo apt-get ${installArguments.join(" ")} ${names}`);
}

/** Without these tools tests skip, so a failure here is told and not fatal. */
async function installTools(missing) {
  const names = missing.map(({ debian }) => debian);
  await withoutStartingServices(async () => {
    if ((await apt(["update"])) !== 0) say("apt-get update failed: trying with the lists at hand");
    if ((await apt([...installArguments, ...names])) === 0) return;
    // One package that this release lacks must not cost us the others.
    for (const name of names) await apt([...installArguments, name]);
  });
  const still = missingTools().map(({ binary }) => binary);
  if (still.length === 0) say(`installed ${names.join(" ")}`);
  else say(`still missing: ${still.join(" ")} (no network?). Tests that need them will skip`);
}

function apt(args) {
  const options = ["-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::http::Timeout=20"];
  say(`apt-get ${args.join(" ")}`);
  return runTwice("apt-get", [...options, ...args], {
    ...process.env,
    DEBIAN_FRONTEND: "noninteractive",
    NEEDRESTART_SUSPEND: "1",
  });
}

async function withoutStartingServices(work) {
  const ours =
    !fs.existsSync(policyFile) || fs.readFileSync(policyFile, "utf8").includes(policyMark);
  if (!ours) return work();
  fs.writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  const remove = () => fs.rmSync(policyFile, { force: true });
  cleanups.push(remove);
  try {
    return await work();
  } finally {
    remove();
  }
}

// --- one at a time ------------------------------------------------------------------------------

/** A folder is the lock, as making one is atomic; it holds its owner's process id. */
async function takeLock() {
  const owner = path.join(lockDir, "pid");
  const giveUpAt = Date.now() + lockWaitMs;
  try {
    fs.mkdirSync(path.dirname(lockDir), { recursive: true });
    fs.accessSync(path.dirname(lockDir), fs.constants.W_OK);
  } catch {
    throw new SetupError(`cannot write to ${root}: run this as the owner of that folder`);
  }
  for (let told = false; ; told = true) {
    try {
      fs.mkdirSync(lockDir);
      fs.writeFileSync(owner, `${process.pid}\n`);
      cleanups.push(() => fs.rmSync(lockDir, { recursive: true, force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (ownerIsGone(owner)) {
      // Renaming first: of two that find it stale, one wins.
      const stale = `${lockDir}.${process.pid}`;
      try {
        fs.renameSync(lockDir, stale);
        fs.rmSync(stale, { recursive: true, force: true });
      } catch {}
      continue;
    }
    if (!told) say("another setup is running here: waiting for it");
    if (Date.now() > giveUpAt) throw new SetupError(`gave up waiting: remove ${lockDir}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Gone is the setup that took the lock, and also the command it was running when it was killed. */
function ownerIsGone(owner) {
  try {
    return fs.readFileSync(owner, "utf8").trim().split("\n").every(processIsGone);
  } catch {
    // No process id yet: its owner is about to write one, or died before it could.
    const madeAt = fs.statSync(lockDir, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    return Date.now() - madeAt > 5_000;
  }
}

function processIsGone(pid) {
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

// --- tools --------------------------------------------------------------------------------------

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function runnable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function inPath(binary) {
  // Users other than root often lack the sbin folders, where `ip` and `nft` live.
  const folders = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`.split(":");
  return folders.some((folder) => folder !== "" && runnable(path.join(folder, binary)));
}

/** Runs a command, and once more when it fails, as networks do. Its exit code, or "ENOENT". */
async function runTwice(command, args, env) {
  const code = await run(command, args, env);
  if (code === 0 || code === "ENOENT") return code;
  say(`${path.basename(command)} failed (exit code ${code}): trying once more`);
  return run(command, args, env);
}

async function run(command, args, env) {
  running = spawn(command, args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (running.pid !== undefined) fs.appendFileSync(path.join(lockDir, "pid"), `${running.pid}\n`);
  const code = await new Promise((resolve) => {
    running.on("error", (error) => resolve(error.code));
    running.on("close", (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal]));
  });
  running = null;
  if (stopSignal !== null) throw new SetupError(`stopped by ${stopSignal}`);
  return code;
}

/** The command ends first: npm takes a while to put back what it has begun. */
function stop(signal) {
  stopSignal = signal;
  if (running !== null) return running.kill(signal);
  cleanUp();
  process.exit(128 + constants.signals[signal]);
}

function cleanUp() {
  for (const undo of cleanups.splice(0).reverse()) undo();
}

async function main() {
  const forTests = process.argv.includes("--test");
  if (forTests && process.arch === "x64" && process.env.MESHMEND_TEST_LAB !== "0") {
    // biome-ignore lint/correctness/useImportExtensions: it would have the name of the types' file.
    lab = await import("../test/lab/image/build.mjs");
  }
  const tools = forTests ? missingTools() : [];
  reportTools(tools);
  const toInstall = mayInstallTools() ? tools : [];
  if (packagesMissing(forTests) === null && toInstall.length === 0) return build(forTests);

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(signal));
  await takeLock();
  const reason = packagesMissing(forTests); // Asked again: another setup may have done it meanwhile.
  if (reason !== null) {
    say(reason);
    await installPackages(forTests);
  }
  if (toInstall.length > 0) await installTools(toInstall);
  build(forTests);
}

function build(forTests) {
  buildNative(forTests);
  buildLab();
}

/** Without its image the tests of the lab skip, so what goes wrong is told and not fatal. */
function buildLab() {
  if (lab === null || lab.builtImage() !== null) return;
  const problem = lab.labProblem();
  if (problem !== null) return say(`the tests of the lab will skip: it ${problem}`);
  try {
    lab.buildImage();
  } catch (error) {
    say(`the tests of the lab will skip: its image could not be built: ${error.message}`);
  }
}

/** The daemon runs without it and sees less, so nothing that goes wrong here stops the setup. */
function buildNative(forTests) {
  const script = path.join(root, "native", "build.mjs");
  if (!fs.existsSync(script)) return;
  spawnSync(process.execPath, [script, ...(forTests ? [] : ["--if-possible"])], {
    stdio: ["ignore", 2, 2],
  });
}

main()
  .catch((error) => {
    say(error instanceof SetupError ? `error: ${error.message}` : error.stack);
    process.exitCode = stopSignal === null ? 1 : 128 + constants.signals[stopSignal];
  })
  .finally(cleanUp);
