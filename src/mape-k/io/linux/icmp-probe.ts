/**
 * Asks a target with the system's `ping` (iputils or busybox), because Node has no raw sockets. It
 * knows how both report an echo, a silence, and that they were not allowed to ask.
 */

import type { Probe, ProbeResult } from "./probe.ts";
import type { CommandEnd, RunCommand } from "./run-command.ts";

/** `host` as `parseProbeUrl` lets through: never an option. */
export function icmpProbe(run: RunCommand, host: string, timeoutMs: number): Probe {
  // Whole seconds, as busybox wants them; the probe's own, finer timeout ends it earlier.
  const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)));
  const args = ["-n", "-c", "1", "-W", seconds, "--", host];
  return async (signal) => {
    const end = await run("ping", args, signal);
    if (end.ok) return judgePing(end.value);
    return end.fault.code === "E_COMMAND_ABORTED"
      ? { kind: "no-answer", reason: "no answer in time" }
      : { kind: "not-tried", reason: end.fault.message };
  };
}

/** Exit 0: answered. 1: no answer. 2 (iputils): an error, of the network or of ours. */
export function judgePing(end: CommandEnd): ProbeResult {
  if (end.exitCode === 0) return { kind: "answer" };
  const complaint = end.stderr.trim().split("\n")[0] ?? "";
  if (/not permitted|permission denied|unrecognized option|invalid option/i.test(complaint)) {
    return { kind: "not-tried", reason: complaint };
  }
  if (complaint !== "") return { kind: "no-answer", reason: complaint };
  return { kind: "no-answer", reason: "no echo" };
}
