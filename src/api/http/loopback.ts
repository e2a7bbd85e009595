/**
 * What counts as this host, for the address we listen on, the Host header and the Origin. Names
 * are not resolved: a name that resolves to loopback today is how DNS rebinding works.
 */

import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
loopback.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** A bare host: `localhost`, `127.0.0.0/8`, `::1`, without port or brackets. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}

/** The Host header's form: `localhost:8480`, `[::1]`. Any port: a tunnel may change it. */
export function isLoopbackAuthority(authority: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(authority);
  const host = match?.[1] ?? match?.[2];
  return host !== undefined && isLoopback(host);
}

/** The Origin header's form: `http://localhost:3000`; `null` and other schemes are foreign. */
export function isLoopbackOrigin(origin: string): boolean {
  const match = /^https?:\/\/(.+)$/i.exec(origin);
  return match?.[1] !== undefined && isLoopbackAuthority(match[1]);
}
