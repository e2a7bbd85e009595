/** Runs the command line as a process of its own, in a directory and an environment of its own. */

import { spawn } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** For standard input. */
  readonly input?: Uint8Array;
  /** Sends this signal once the pattern was seen in the output. */
  readonly signalOn?: readonly [RegExp, NodeJS.Signals];
}

export function runCli(words: readonly string[], options: RunOptions): Promise<Ran> {
  const { cwd, environment = {}, input, signalOn } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const path = process.env["PATH"] ?? "";
  const env = { PATH: path, HOME: cwd, MESHMEND_GRPC: "127.0.0.1:0", ...environment };
  const child = spawn(join(root, "bin/meshmend"), words, { cwd, env, timeout: 50_000 });
  let stdout = "";
  let stderr = "";
  let signalled = false;
  const look = (): void => {
    if (signalOn === undefined || signalled || !signalOn[0].test(stdout + stderr)) return;
    signalled = true;
    child.kill(signalOn[1]);
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
    look();
  });
  // Without input it ends at once; a command that does not read it may be gone already.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  child.once("error", reject);
  child.once("close", (code) => resolve({ code, stdout, stderr }));
  return promise;
}
