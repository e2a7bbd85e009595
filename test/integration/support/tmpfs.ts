/** A small file system of its own, for tests of full disks. */

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { messageOf } from "../../../src/base/index.ts";

export type Tmpfs =
  | { readonly kind: "mounted"; unmount(): void }
  | { readonly kind: "refused"; readonly reason: string };

export function mountTmpfs(folder: string, sizeBytes: number): Tmpfs {
  mkdirSync(folder);
  try {
    const options = ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", folder];
    execFileSync("mount", options, { stdio: "pipe" });
  } catch (thrown) {
    return { kind: "refused", reason: `needs root to mount a tmpfs: ${messageOf(thrown)}` };
  }
  return { kind: "mounted", unmount: () => execFileSync("umount", ["--lazy", folder]) };
}
