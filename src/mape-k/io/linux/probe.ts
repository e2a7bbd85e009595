/** What a probe of a target is, and how a target's URL names one. */

import { type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";

/** What one probe found out. `no-answer` counts against the target, `not-tried` does not. */
export type ProbeResult =
  | { readonly kind: "answer" }
  | { readonly kind: "no-answer"; readonly reason: string }
  /** The node itself could not ask: no tool, no permission, no descriptors. */
  | { readonly kind: "not-tried"; readonly reason: string };

/** Ends when `signal` aborts. Never rejects. */
export type Probe = (signal: AbortSignal) => Promise<ProbeResult>;

export type ProbeAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "icmp"; readonly host: string };

/**
 * `tcp://host:port` or `icmp://host`; IPv6 addresses in brackets. A host never looks like an option
 * to a command: letters, digits, `.`, `:`, `_`, `%` and `-`, not starting with `-`.
 */
export function parseProbeUrl(url: string): Result<ProbeAddress, Fault<"E_BAD_TARGET">> {
  const parts = /^(tcp|icmp):\/\/(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/.exec(url);
  const host = parts?.[2] ?? parts?.[3] ?? "";
  const port = parts?.[4] === undefined ? null : Number(parts[4]);
  if (/^[a-z0-9_.:%-]{1,253}$/i.test(host) && !host.startsWith("-")) {
    if (parts?.[1] === "icmp" && port === null) return ok({ kind: "icmp", host });
    if (parts?.[1] === "tcp" && port !== null && port >= 1 && port <= 65535) {
      return ok({ kind: "tcp", host, port });
    }
  }
  const message = `${JSON.stringify(url)} is neither tcp://host:port nor icmp://host`;
  return failed(fault("E_BAD_TARGET", message));
}
