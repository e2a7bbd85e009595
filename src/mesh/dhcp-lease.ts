/**
 * Seeds from a DHCP lease: a site's private option (224 to 254, RFC 3942) whose value is text,
 * `ADDRESS:PORT` separated by commas or blanks. It knows how dhclient, systemd-networkd and BusyBox's
 * udhcpc write down an option that they have no name for. A server on the network wrote the value, so
 * only addresses count (no names are looked up), and none that leads to this machine itself.
 */

export interface SeedAddress {
  readonly host: string;
  readonly port: number;
}

export type LeaseFormat = "dhclient" | "networkd" | "udhcpc";

export interface LeaseQuery {
  readonly format: LeaseFormat;
  /** 224 to 254. */
  readonly option: number;
  /** A dhclient file may have leases of several interfaces. */
  readonly interface: string;
  /** Unix milliseconds: an expired lease says nothing. */
  readonly wallMs: number;
}

export interface LeaseSeeds {
  /** Null: the lease has no such option. */
  readonly seeds: readonly SeedAddress[] | null;
  /** Words of the option's value that are no usable address. */
  readonly refused: number;
}

const maxLeaseSeeds = 16;
/** The name under which dhclient.conf may define the option. */
const optionName = "meshmend-seeds";

export function readLease(text: string, query: LeaseQuery): LeaseSeeds {
  const value = valueIn(text, query);
  return value === null ? { seeds: null, refused: 0 } : readSeedList(value);
}

function valueIn(text: string, query: LeaseQuery): string | null {
  switch (query.format) {
    case "dhclient":
      return dhclientValue(text, query);
    case "networkd":
      // sd_dhcp_lease_save() writes private options as OPTION_224=<hex>.
      return fromHex(lineValue(text, `OPTION_${query.option}`));
    case "udhcpc":
      // networking/udhcp/dhcpc.c hands its script opt224=<hex>.
      return fromHex(lineValue(text, `opt${query.option}`));
  }
}

/** The last lease of the interface (dhclient appends), unless it is over. See dhclient.leases(5). */
function dhclientValue(text: string, query: LeaseQuery): string | null {
  let last: string | null = null;
  for (const [, body = ""] of text.matchAll(/^lease\s*\{([^{}]*)^\}/gms)) {
    const on = /^\s*interface\s+"([^"]{1,15})";/m.exec(body)?.[1];
    if (on === query.interface) last = body;
  }
  if (last === null || isOver(last, query.wallMs)) return null;
  const names = `(?:${optionName}|unknown-${query.option})`;
  const option = new RegExp(`^\\s*option\\s+${names}\\s+(?:"([^"]*)"|([0-9a-fA-F:]+));`, "m");
  const [, quoted, bytes] = option.exec(last) ?? [];
  if (quoted !== undefined) return quoted;
  // A byte below 16 has one digit there.
  const padded = bytes?.split(":").map((byte) => byte.padStart(2, "0"));
  return padded === undefined ? null : fromHex(padded.join(""));
}

/** `expire 6 2026/11/21 07:00:00;` in UTC, `expire epoch 1795244400;`, or `expire never;`. */
function isOver(lease: string, wallMs: number): boolean {
  const epoch = /^\s*expire\s+epoch\s+(\d{1,12});?/m.exec(lease)?.[1];
  if (epoch !== undefined) return Number(epoch) * 1_000 <= wallMs;
  const date =
    /^\s*expire\s+\d\s+(\d{4})\/(\d{1,2})\/(\d{1,2})\s+(\d{1,2}):(\d{1,2}):(\d{1,2});/m.exec(lease);
  if (date === null) return !/^\s*expire\s+never;/m.test(lease);
  return utcMs(date.slice(1).map(Number)) <= wallMs;
}

/** Days since the epoch by Howard Hinnant's `days_from_civil`: a core has no Date. */
function utcMs(parts: readonly number[]): number {
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts;
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
}

function lineValue(text: string, key: string): string | null {
  const value = new RegExp(`^(?:export )?${key}=(.*)$`, "m").exec(text)?.[1]?.trim();
  return value?.replaceAll(/^['"]|['"]$/g, "") ?? null;
}

function fromHex(hex: string | null): string | null {
  if (hex === null || !/^(?:[0-9a-fA-F]{2}){1,1024}$/.test(hex)) return null;
  const bytes = hex.match(/../g) ?? [];
  return bytes.map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join("");
}

/** Sixteen at most; what is no usable address is counted. */
export function readSeedList(value: string): LeaseSeeds {
  const words = value.split(/[\s,\0]+/).filter((word) => word !== "");
  const seeds = new Map<string, SeedAddress>();
  let refused = 0;
  for (const word of words) {
    const seed = readSeed(word);
    if (seed === null || seeds.size >= maxLeaseSeeds) refused++;
    else seeds.set(`${seed.host} ${seed.port}`, seed);
  }
  return { seeds: [...seeds.values()], refused };
}

function readSeed(word: string): SeedAddress | null {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([\d.]+)):(\d{1,5})$/.exec(word) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65_535)) return null;
  if (bracketed !== undefined) {
    return isForeignIpv6(bracketed) ? { host: bracketed.toLowerCase(), port } : null;
  }
  return plain !== undefined && isForeignIpv4(plain) ? { host: plain, port } : null;
}

/** A single machine, and not this one: no loopback, no multicast, nothing unspecified. */
function isForeignIpv4(host: string): boolean {
  if (!/^(?:\d{1,3}\.){3}\d{1,3}$/.test(host)) return false;
  const bytes = host.split(".").map(Number);
  const [first = 0] = bytes;
  return bytes.every((byte) => byte <= 255) && first !== 0 && first !== 127 && first < 224;
}

/** Global and unique local addresses alone: 2000::/3 and fc00::/7. */
function isForeignIpv6(host: string): boolean {
  return /^(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}):/i.test(host) && URL.canParse(`http://[${host}]/`);
}
