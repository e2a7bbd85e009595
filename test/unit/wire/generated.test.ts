/** src/wire is what `npm run proto` makes of proto/, and proto/ is in order. */

import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../../..");
const buf = join(root, "node_modules/.bin/buf");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A copy of all that goes in, so that a stale file cannot pass for a fresh one. */
function copyInputs(): string {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-proto-"));
  folders.push(folder);
  for (const input of ["proto", "buf.yaml", "buf.gen.yaml"]) {
    cpSync(join(root, input), join(folder, input), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

async function runBuf(cwd: string, command: "lint" | "generate"): Promise<void> {
  // The plugin starts `node` by its name: it shall be this one.
  const path = `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`;
  const env = { ...process.env, PATH: path };
  await promisify(execFile)(process.execPath, [buf, command], { cwd, env, timeout: 60_000 });
}

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => name.endsWith(".ts")).toSorted();
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

const platformBuf = `@bufbuild/buf-${process.platform}-${process.arch}`;

describe("src/wire", () => {
  it("is what buf and ts-proto make of proto/", { timeout: 60_000 }, async (context) => {
    if (!existsSync(join(root, "node_modules", platformBuf))) {
      context.skip(`needs ${platformBuf}`);
    }
    const folder = copyInputs();
    await runBuf(folder, "lint");
    await runBuf(folder, "generate");
    const generated = filesOf(join(folder, "src/wire"));
    expect(Object.keys(generated).length).toBeGreaterThan(0);
    expect(filesOf(join(root, "src/wire")), "run `npm run proto`").toEqual(generated);
  });
});
