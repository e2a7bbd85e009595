/** What the checkout's daemon can do already, by its own word; so no scenario stays pending by mistake. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";

const launcher = join(import.meta.dirname, "../../../bin/meshmend");
let help: string | null = null;

/** Null when `meshmend run` has the flag, else why the scenario must wait. */
export function needsFlag(flag: string): string | null {
  help ??= execFileSync(launcher, ["run", "--help"], { encoding: "utf8", timeout: 30_000 });
  return help.includes(flag) ? null : `pending: this meshmend has no ${flag} yet`;
}
