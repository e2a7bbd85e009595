/**
 * Runs one command to its end: no shell, no input, bounded output, bounded time. It knows that a
 * killed process may take a while to go, and that one stuck in the kernel may never go.
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { type Clock, type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import { errnoOf } from "./errno.ts";

export interface CommandEnd {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** The first bytes, as many as were asked for. */
  readonly stdout: string;
  readonly stderr: string;
  /** There was more. */
  readonly truncated: boolean;
}

export type CommandFault = Fault<"E_NO_COMMAND" | "E_COMMAND_ABORTED" | "E_COMMAND_FAILED">;

/** The port the actuator and the ping probe need; tests hand in their own. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  signal: AbortSignal,
) => Promise<Result<CommandEnd, CommandFault>>;

/** Enough for the words of a tool that failed, or of one ping. */
const shortOutputBytes = 4096;
/** How long a killed process may take to go before it is left to the kernel. */
const reapMs = 1000;

/** Sends the command where administrators' tools are even when this process's PATH lacks them. */
function environment(): NodeJS.ProcessEnv {
  const path = process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  return { PATH: `${path}:/usr/local/sbin:/usr/sbin:/sbin`, LC_ALL: "C" };
}

export function commandRunner(clock: Clock, maxOutputBytes = shortOutputBytes): RunCommand {
  return (command, args, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve(failed(aborted(command)));
      const child = spawn(command, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: environment(),
      });
      const stdout = collect(child.stdout, maxOutputBytes);
      const stderr = collect(child.stderr, maxOutputBytes);
      const ended = new AbortController();
      const finish = (result: Result<CommandEnd, CommandFault>) => {
        ended.abort();
        signal.removeEventListener("abort", kill);
        resolve(result);
      };
      const kill = () => {
        child.kill("SIGKILL");
        void clock.sleep(reapMs, ended.signal).then(() => {
          // Left to the kernel: it must keep neither this process nor its pipes.
          child.unref();
          child.stdout.destroy();
          child.stderr.destroy();
          finish(failed(aborted(command)));
        });
      };
      signal.addEventListener("abort", kill, { once: true });
      child.once("error", (error) => finish(failed(spawnFault(command, error))));
      child.once("close", (exitCode) => {
        if (signal.aborted) return finish(failed(aborted(command)));
        const truncated = stdout.truncated() || stderr.truncated();
        finish(ok({ exitCode, stdout: stdout.text(), stderr: stderr.text(), truncated }));
      });
    });
}

function collect(stream: NodeJS.ReadableStream, maxBytes: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    if (size < maxBytes) chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
  });
  return {
    text: () => Buffer.concat(chunks).toString("utf8"),
    truncated: () => size > maxBytes,
  };
}

function aborted(command: string): CommandFault {
  return fault("E_COMMAND_ABORTED", `${command} was stopped before it had ended`);
}

function spawnFault(command: string, error: Error): CommandFault {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "EACCES"
    ? fault("E_NO_COMMAND", `there is no ${command} that this process may run (${errno})`)
    : fault("E_COMMAND_FAILED", `cannot start ${command}: ${error.message}`);
}
