/**
 * Where a peer is reached, `host:port` or `[v6]:port`, and whether that leaves this machine. Names
 * are not resolved to decide it: a name may mean another machine tomorrow.
 */

import { BlockList, isIP } from "node:net";
import { failed, fault, ok, type Result } from "../../base/index.ts";

export interface PeerAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
loopback.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** Fault: E_PEER_ADDRESS. */
export function parsePeerAddress(text: string): Result<PeerAddress> {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    const remedy = "write host:port, and brackets around an IPv6 address";
    return failed(fault("E_PEER_ADDRESS", `${JSON.stringify(text)} is no peer's address`, remedy));
  }
  return ok({ host, port });
}

export function formatPeerAddress({ host, port }: PeerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}
