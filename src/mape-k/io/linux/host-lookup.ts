/**
 * Finds the addresses of a host name with the system's `getent`, as every program of the machine
 * would (hosts file, DNS, mDNS). In a process of its own, because it can be killed: the resolver
 * inside this process (getaddrinfo) cannot, and without an answer it holds a thread for many
 * seconds, keeps the daemon from ending, and piles up behind itself (tried: 32 names without a
 * resolver, over 40 s from SIGTERM to the end).
 */

import { isIP, isIPv6 } from "node:net";
import { failed, ok, type Result } from "../../../base/index.ts";
import type { ProbeResult } from "./probe.ts";
import type { RunCommand } from "./run-command.ts";

export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Not an empty list. What failed is told as what it means for a probe. */
export type HostLookup = (
  host: string,
  signal: AbortSignal,
) => Promise<Result<readonly HostAddress[], ProbeResult>>;

/** `host` as `parseProbeUrl` lets through: never an option. An address is its own answer. */
export function hostLookup(run: RunCommand): HostLookup {
  return async (host, signal) => {
    if (isIP(host) !== 0) return ok([toAddress(host)]);
    const end = await run("getent", ["ahosts", host], signal);
    if (!end.ok) {
      return end.fault.code === "E_COMMAND_ABORTED"
        ? failed({ kind: "no-answer", reason: `no address of ${host} in time` })
        : failed({ kind: "not-tried", reason: end.fault.message });
    }
    const addresses = readAddresses(end.value.stdout);
    return addresses.length > 0
      ? ok(addresses)
      : failed({ kind: "no-answer", reason: `no address of ${host}` });
  };
}

/** One line for each address and kind of socket, the best first: `10.0.0.1  STREAM roof-3`. */
function readAddresses(text: string): HostAddress[] {
  const words = text.split("\n").map((line) => line.split(/\s/, 1)[0] ?? "");
  return [...new Set(words)].filter((word) => isIP(word) !== 0).map(toAddress);
}

function toAddress(address: string): HostAddress {
  return { address, family: isIPv6(address) ? 6 : 4 };
}
