/**
 * The daemon as few files: loading some 500 modules, half a second here, takes most of a minute in
 * the guest. It is the checkout's own code, bundled, with what V8 compiled beside it, and started by
 * the checkout's launcher. Files that the code finds by its own place (the package's version, kernel
 * programs, an addon) are still found in the checkout.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { cacheFolder } from "../image/image.ts";

export interface DaemonBundle {
  /** In place of the checkout's bin/meshmend. */
  readonly launcher: string;
  /** For NODE_COMPILE_CACHE. */
  readonly compileCache: string;
}

const root = resolve(import.meta.dirname, "../../..");
const bundles = join(cacheFolder, "daemon");
const keptBundles = 3;
const warmWithinMs = 30_000;

/** Builds it when the sources have changed since. */
export async function bundleDaemon(): Promise<DaemonBundle> {
  const folder = join(bundles, sourceHash());
  const made = join(folder, "made");
  if (!existsSync(made)) {
    const draft = `${folder}.${process.pid}`;
    try {
      await build(draft);
      if (!existsSync(folder)) renameSync(draft, folder);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    // In its final place: Node knows compiled code by the path of its source.
    await compile(folder);
    writeFileSync(made, "");
    forgetOldBundles();
  }
  return { launcher: join(folder, "bin/meshmend"), compileCache: join(folder, "compile-cache") };
}

/** Changes with the daemon's code, its packages, and the code of this file. */
function sourceHash(): string {
  const hash = createHash("sha256");
  const files = globSync(["src/**/*.ts", "bin/meshmend", "package.json", "package-lock.json"], {
    cwd: root,
  });
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(join(root, file)));
  hash.update(readFileSync(import.meta.filename));
  return hash.digest("hex").slice(0, 16);
}

async function build(folder: string): Promise<void> {
  // Loaded only now: it takes a while, and mostly there is nothing to build.
  const { rolldown } = await import("rolldown");
  const native = nativePackages();
  const bundle = await rolldown({
    input: { main: join(root, "src/cli/main.ts") },
    platform: "node",
    external: (id) => native.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [{ name: "place-of-each-source", transform: keepPlace }],
  });
  await bundle.write({ dir: join(folder, "dist/cli"), format: "esm" });
  await bundle.close();
  mkdirSync(join(folder, "bin"));
  copyFileSync(join(root, "bin/meshmend"), join(folder, "bin/meshmend"));
  copyFileSync(join(root, "package.json"), join(folder, "package.json"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}

/** Says in the bundle where each source was. */
function keepPlace(code: string, id: string): string | null {
  if (!id.startsWith(join(root, "src/")) || !code.includes("import.meta.")) return null;
  return code
    .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
    .replaceAll("import.meta.dirname", JSON.stringify(dirname(id)))
    .replaceAll("import.meta.filename", JSON.stringify(id));
}

/** Packages that load compiled code from their own folder. */
function nativePackages(): string[] {
  return globSync("node_modules/{*,@*/*}/{binding.gyp,prebuilds}", { cwd: root }).map((found) =>
    found.split("/").slice(1, -1).join("/"),
  );
}

/** Runs it here until it watches: Node then leaves what V8 compiled on disk. */
async function compile(folder: string): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "meshmend-lab-"));
  const flags = ["run", "--data-dir", dataDir, "--http", "127.0.0.1:0", "--node-id", "lab"];
  const daemon = spawn(join(folder, "bin/meshmend"), flags, {
    cwd: dataDir,
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: join(folder, "compile-cache"),
      // As the lab starts it.
      MESHMEND_LOG_FORMAT: "json",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((done) => {
    daemon.on("error", () => done(null));
    daemon.on("exit", done);
  });
  const timer = setTimeout(() => daemon.kill("SIGKILL"), warmWithinMs);
  let said = "";
  createInterface({ input: daemon.stdout }).on("line", (line) => {
    said = `${said}${line}\n`.slice(-4_000);
    if (line.includes("watches this machine")) daemon.kill("SIGTERM");
  });
  const code = await ended;
  clearTimeout(timer);
  rmSync(dataDir, { recursive: true, force: true });
  if (code !== 0) throw new Error(`the bundled daemon does not start here:\n${said}`);
}

function forgetOldBundles(): void {
  const aged = readdirSync(bundles)
    .map((name) => join(bundles, name))
    .toSorted((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
  for (const folder of aged.slice(keptBundles)) {
    rmSync(folder, { recursive: true, force: true });
  }
}
