/**
 * Runs files of this checkout inside the machine: test files by vitest, as on the host, and plain
 * scripts by Node. A vitest of its own takes half a minute there, so give it all files at once.
 */

import { join, resolve } from "node:path";
import process from "node:process";
import { insideVariable } from "./global-setup.ts";
import type { Guest } from "./host/guest.ts";

export interface GuestRunOptions {
  /** The namespace to run in, e.g. a node of a mesh; else the machine's own. */
  readonly namespace?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface GuestTestOutcome {
  readonly passed: number;
  readonly failed: number;
  /** Each with its reason. */
  readonly skipped: readonly string[];
  /** What vitest printed. */
  readonly output: string;
}

const root = resolve(import.meta.dirname, "../..");
const vitest = join(root, "node_modules/vitest/vitest.mjs");

/** `files` as vitest takes them, relative to the checkout. Throws when vitest gives no outcome. */
export async function runTestsInGuest(
  guest: Guest,
  files: readonly string[],
  options: GuestRunOptions = {},
): Promise<GuestTestOutcome> {
  const outcomeFile = "/run/lab-outcome.json";
  await guest.run(["rm", "-f", outcomeFile]);
  const { stdout, stderr, endedBy } = await runScriptInGuest(guest, vitest, ["run", ...files], {
    ...options,
    environment: {
      ...options.environment,
      MESHMEND_TEST_OUTCOME: outcomeFile,
      [insideVariable]: "1",
      NO_COLOR: "1",
    },
  });
  const output = `${stdout}${stderr}`;
  const outcome = await guest.run(["cat", outcomeFile], { mayFail: true });
  if (outcome.exitCode !== 0) {
    throw new Error(`vitest gave no outcome in the guest (${endedBy ?? "ended"}):\n${output}`);
  }
  return { ...(JSON.parse(outcome.stdout) as Omit<GuestTestOutcome, "output">), output };
}

/** With the Node of this process, in the checkout's folder. Does not judge the exit code. */
export async function runScriptInGuest(
  guest: Guest,
  script: string,
  args: readonly string[] = [],
  { namespace, environment, timeoutMs = 170_000 }: GuestRunOptions = {},
) {
  const enter = namespace === undefined ? [] : ["ip", "netns", "exec", namespace];
  const inRoot = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", root];
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", resolve(root, script)];
  return guest.run([...enter, ...inRoot, ...node, ...args], {
    timeoutMs,
    mayFail: true,
    ...(environment === undefined ? {} : { environment }),
  });
}
