/** Asks a target by opening a TCP connection, and tells its failures from our own. */

import { connect } from "node:net";
import { errnoOf } from "./errno.ts";
import type { HostAddress, HostLookup } from "./host-lookup.ts";
import type { Probe, ProbeResult } from "./probe.ts";

/** Failures of this node, which say nothing about the target. */
const ownFailures: ReadonlySet<string> = new Set([
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EACCES",
  "EPERM",
  "EADDRNOTAVAIL",
]);

export function tcpProbe(lookUp: HostLookup, host: string, port: number): Probe {
  return async (signal) => {
    if (signal.aborted) return { kind: "not-tried", reason: "stopped" };
    const found = await lookUp(host, signal);
    return found.ok ? connectTo(found.value, { host, port }, signal) : found.fault;
  };
}

/** Tries the addresses in turn, as `connect` does for a name that has several. */
function connectTo(
  addresses: readonly HostAddress[],
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: "no-answer", reason: "no answer in time" });
    const socket = connect({
      ...target,
      autoSelectFamily: true,
      lookup: (_host, _options, found) => found(null, [...addresses]),
    });
    const finish = (result: ProbeResult) => {
      signal.removeEventListener("abort", giveUp);
      // A reset instead of a farewell: probes must not leave sockets in TIME_WAIT.
      socket.resetAndDestroy();
      resolve(result);
    };
    const giveUp = () => finish({ kind: "no-answer", reason: "no answer in time" });
    signal.addEventListener("abort", giveUp, { once: true });
    socket.once("connect", () => finish({ kind: "answer" }));
    socket.on("error", (error) => finish(judge(error)));
  });
}

function judge(error: Error): ProbeResult {
  // Several addresses were tried: the last failure speaks for them.
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : error;
  const errno = errnoOf(last) ?? error.message;
  return ownFailures.has(errno)
    ? { kind: "not-tried", reason: `this node could not connect: ${errno}` }
    : { kind: "no-answer", reason: errno };
}
