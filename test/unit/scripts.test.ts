/** The shell scripts: checked by shellcheck, and the launcher tried in every place it may stand. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "../..");

function shellScripts(): string[] {
  const listed = spawnSync(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  const files = listed.status === 0 ? listed.stdout.split("\0") : ["bin/meshmend", ".ci/run"];
  return files.filter((file) => {
    if (file.endsWith(".sh")) return true;
    if (file === "" || path.extname(file) !== "") return false;
    try {
      return /^#!.*\b(ba|da)?sh\b/.test(readFileSync(path.join(root, file), "utf8").slice(0, 40));
    } catch {
      return false; // Removed, but not yet from the index; or a folder of another repository.
    }
  });
}

test("every shell script passes shellcheck", (ctx) => {
  if (spawnSync("shellcheck", ["--version"]).error) ctx.skip("needs shellcheck");
  const scripts = shellScripts();
  expect(scripts).toContain("bin/meshmend");
  const checked = spawnSync("shellcheck", scripts, { cwd: root, encoding: "utf8" });
  expect(checked.stdout).toBe("");
  expect(checked.status).toBe(0);
});

describe("bin/meshmend", () => {
  let place: string;
  let env: NodeJS.ProcessEnv;
  const print =
    "console.log(JSON.stringify([process.execArgv, process.argv.slice(1), process.pid]))";

  beforeEach(() => {
    place = mkdtempSync(path.join(tmpdir(), "meshmend launcher ")); // Spaces on purpose.
    env = { PATH: "/usr/bin:/bin", HOME: path.join(place, "home") };
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  function write(file: string, text: string): void {
    mkdirSync(path.dirname(path.join(place, file)), { recursive: true });
    writeFileSync(path.join(place, file), text);
  }

  /** A copy of the launcher in `folder`, with a main file that prints how it was started. */
  function install(folder: string, main: string): string {
    const launcher = path.join(place, folder, "bin/meshmend");
    mkdirSync(path.dirname(launcher), { recursive: true });
    cpSync(path.join(root, "bin/meshmend"), launcher);
    write(path.join(folder, "package.json"), '{ "type": "module" }');
    write(path.join(folder, main), print);
    return launcher;
  }

  function runtimeAt(folder: string): void {
    mkdirSync(path.join(place, folder), { recursive: true });
    symlinkSync(process.execPath, path.join(place, folder, "node"));
  }

  function start(launcher: string, ...args: string[]): [string[], string[], number] {
    return JSON.parse(execFileSync(launcher, args, { env, encoding: "utf8" }));
  }

  test("runs src/ of a checkout on its own runtime, arguments untouched", () => {
    const launcher = install("checkout", "src/cli/main.ts");
    runtimeAt("checkout/node_modules/.bin");
    const [options, args] = start(launcher, "kv put", "", "*");
    expect(options).toEqual([
      "--max-semi-space-size=1",
      "--disable-sigusr1",
      "--disable-warning=ExperimentalWarning",
    ]);
    const main = path.join(place, "checkout/src/cli/main.ts");
    expect(args).toEqual([main, "kv put", "", "*"]);
  });

  test("runs dist/ of an installed package on the hoisted runtime, through symbolic links", () => {
    install("app/node_modules/meshmend", "dist/cli/main.js");
    runtimeAt("app/node_modules/.bin");
    symlinkSync("../meshmend/bin/meshmend", path.join(place, "app/node_modules/.bin/meshmend"));
    symlinkSync("app/node_modules/.bin/meshmend", path.join(place, "relative"));
    symlinkSync(path.join(place, "relative"), path.join(place, "absolute"));
    const [, args] = start(path.join(place, "absolute"), "doctor");
    expect(args).toEqual([
      path.join(place, "app/node_modules/meshmend/dist/cli/main.js"),
      "doctor",
    ]);
  });

  test("becomes the daemon: same process id", () => {
    const launcher = install("checkout", "src/cli/main.ts");
    runtimeAt("checkout/node_modules/.bin");
    const script = 'echo $$; exec "$0"';
    const output = execFileSync("sh", ["-c", script, launcher], { env, encoding: "utf8" });
    const [pid, started] = output.trimEnd().split("\n");
    expect(JSON.parse(started ?? "")[2]).toBe(Number(pid));
  });

  test("falls back to the machine's Node only when it is new enough", () => {
    const launcher = install("checkout", "src/cli/main.ts");
    for (const [version, status] of [
      ["v20.20.2", 1],
      ["v24.0.0", 0],
    ] as const) {
      write("fake/node", `#!/bin/sh\n[ "$1" != --version ] || echo ${version}\n`);
      chmodSync(path.join(place, "fake/node"), 0o755);
      env["PATH"] = `${path.join(place, "fake")}:/usr/bin:/bin`;
      const ran = spawnSync(launcher, [], { env, encoding: "utf8" });
      expect({ version, status: ran.status }).toEqual({ version, status });
      if (status !== 0) expect(ran.stderr).toMatch(/needs Node.js 24.*npm ci.*npm start/);
    }
  });

  test("keeps compiled code in the user's cache, and starts without one", () => {
    const launcher = install("checkout", "src/cli/main.ts");
    write("checkout/src/cli/main.ts", "console.log(process.env.NODE_COMPILE_CACHE ?? 'none')");
    runtimeAt("checkout/node_modules/.bin");
    const cache = () => execFileSync(launcher, { env, encoding: "utf8" }).trimEnd();
    expect(cache()).toBe(path.join(place, "home/.cache/meshmend"));
    env["XDG_CACHE_HOME"] = path.join(place, "xdg");
    expect(cache()).toBe(path.join(place, "xdg/meshmend"));
    env["NODE_COMPILE_CACHE"] = "";
    expect(cache()).toBe("");
    delete env["NODE_COMPILE_CACHE"];
    env["XDG_CACHE_HOME"] = "/proc/nowhere";
    expect(cache()).toBe("none");
  });
});

/** npm leaves a package out of the lock when the registry it asked has no such version. */
test("the lock names every optional package, so npm ci works on every platform", () => {
  const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
  const packages: Record<string, { optionalDependencies?: object }> = lock.packages;
  const names = new Set(Object.keys(packages).map((place) => place.split("node_modules/").at(-1)));
  const wanted = Object.values(packages).flatMap((it) =>
    Object.keys(it.optionalDependencies ?? {}),
  );
  expect(wanted.filter((name) => !names.has(name))).toEqual([]);
});
