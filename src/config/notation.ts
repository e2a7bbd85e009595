/**
 * How values are written by people: `1s`, `64KiB`, `20%`, `[::1]:8480`, `tcp://host:port`. Each
 * reader gives the value in the unit the program uses, or null when the text is not of its form;
 * whether the value is in range is the schema's business.
 */

import type { HostPort } from "./node-config.ts";

const durationUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const sizeUnitsBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

const quantity = /^(\d{1,15}(?:\.\d{1,9})?)\s?([A-Za-z]{0,3})$/;

function readQuantity(
  value: unknown,
  units: Readonly<Record<string, number>>,
  bareUnit: string,
): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string") return null;
  const match = quantity.exec(value.trim());
  if (match === null) return null;
  const unit = match[2] === "" ? bareUnit : (match[2] ?? bareUnit);
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) return null;
  // 0.1s is 100 ms although 0.1 * 1000 need not be whole in binary.
  const scaled = Number(match[1]) * factor;
  const whole = Math.round(scaled);
  return Math.abs(scaled - whole) < 1e-6 ? whole : scaled;
}

/** Milliseconds from `100ms`, `1.5s`, `5m`, `2h`, `1d` or a bare number of milliseconds. */
export const readDurationMs = (value: unknown): number | null =>
  readQuantity(value, durationUnitsMs, "ms");

/** Bytes from `64KiB`, `1MB` or a bare number of bytes. */
export const readSizeBytes = (value: unknown): number | null =>
  readQuantity(value, sizeUnitsBytes, "B");

/** A share, 0 to 1, from `20%` or a bare number. */
export function readRatio(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string") return null;
  const match = /^(\d{1,9}(?:\.\d{1,9})?)\s?(%?)$/.exec(value.trim());
  if (match === null) return null;
  // Division rounds correctly, so 5% is the very number that 0.05 is.
  return match[2] === "%" ? Number(match[1]) / 100 : Number(match[1]);
}

const hostName = /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?$/;
const ipv4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;

/** All digits and dots, so meant as IPv4; then it must be one. */
function isHost(host: string): boolean {
  if (ipv4.test(host)) return host.split(".").every((part) => Number(part) <= 255);
  return host.length <= 253 && !/^[\d.]+$/.test(host) && hostName.test(host);
}

/** RFC 4291 section 2.2, with an optional zone (RFC 4007); checked by what a URL parser takes. */
function isIpv6(host: string): boolean {
  const [address = "", zone] = host.split("%", 2);
  if (zone !== undefined && !/^[\w.-]{1,15}$/.test(zone)) return false;
  return (
    address.includes(":") &&
    /^[0-9A-Fa-f:.]+$/.test(address) &&
    URL.canParse(`http://[${address}]/`)
  );
}

/** `host:port` or `[ipv6]:port`, port 0 to 65535 (0: the system chooses). Null if it is neither. */
export function readHostPort(value: unknown): HostPort | null {
  if (typeof value !== "string") return null;
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value);
  if (match === null) return null;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return null;
  if (bracketed !== undefined) return isIpv6(bracketed) ? { host: bracketed, port } : null;
  return plain !== undefined && isHost(plain) ? { host: plain, port } : null;
}

/** The reverse of `readHostPort`. */
export function writeHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Is this the text of a probe target: `tcp://host:port` or `icmp://host`? */
export function isProbeUrl(text: string): boolean {
  const match = /^(tcp|icmp):\/\/(.+)$/.exec(text);
  if (match === null) return false;
  const [, scheme, rest = ""] = match;
  if (scheme === "tcp") {
    const address = readHostPort(rest);
    return address !== null && address.port > 0;
  }
  const bracketed = /^\[([^\]]+)\]$/.exec(rest)?.[1];
  return bracketed === undefined ? isHost(rest) : isIpv6(bracketed);
}

function largestUnit(value: number, units: readonly (readonly [string, number])[]): string {
  for (const [unit, factor] of units) {
    if (value >= factor && Number.isInteger(value / factor)) return `${value / factor}${unit}`;
  }
  return String(value);
}

/** `1s`, `15m`; the reverse of `readDurationMs`. */
export function writeDuration(ms: number): string {
  const units = Object.entries(durationUnitsMs).reverse();
  return ms === 0 ? "0ms" : largestUnit(ms, units);
}

/** `64KiB`; the reverse of `readSizeBytes`. */
export function writeSize(bytes: number): string {
  return largestUnit(bytes, [
    ["GiB", 1_073_741_824],
    ["MiB", 1_048_576],
    ["KiB", 1_024],
    ["B", 1],
  ]);
}

/** `5%`; the reverse of `readRatio`. */
export function writeRatio(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(12))}%`;
}
