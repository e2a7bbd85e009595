/** Under which addresses this machine is found on one interface, and who else is on that link. */

import { BlockList } from "node:net";
import { networkInterfaces } from "node:os";

export interface LinkAddress {
  readonly family: 4 | 6;
  /** Without a zone. */
  readonly address: string;
  readonly prefixBits: number;
}

export interface LinkAddresses {
  readonly interface: string;
  /** One of each family at most: the first IPv4 address, the link-local IPv6 address. */
  readonly addresses: readonly LinkAddress[];
}

/** Null when the interface is not there, is down, or has no address that is of use. */
export function linkAddresses(name: string): LinkAddresses | null {
  const all = networkInterfaces()[name] ?? [];
  const ipv4 = all.find(({ family, internal }) => family === "IPv4" && !internal);
  const ipv6 = all.find(({ family, address }) => family === "IPv6" && /^fe80:/i.test(address));
  const addresses = [ipv4, ipv6].flatMap((each): LinkAddress[] => {
    if (each === undefined) return [];
    const prefixBits = Number(each.cidr?.split("/")[1] ?? (each.family === "IPv4" ? 32 : 128));
    return [{ family: each.family === "IPv4" ? 4 : 6, address: each.address, prefixBits }];
  });
  return addresses.length === 0 ? null : { interface: name, addresses };
}

/**
 * Did this packet come from the link itself? RFC 6762 section 11 has everything else ignored. For
 * IPv4 it is more than that: the kernel hands a socket what other programs joined elsewhere.
 */
export function onLinkFilter({
  family,
  address,
  prefixBits,
}: LinkAddress): (from: string) => boolean {
  if (family === 6) return (from) => /^fe80:/i.test(from);
  const subnet = new BlockList();
  subnet.addSubnet(address, prefixBits, "ipv4");
  return (from) => subnet.check(from, "ipv4");
}
