/**
 * Reads `/proc/net/dev` in place, byte by byte: with a thousand interfaces and a beat a second,
 * splitting it into strings would be most of the garbage this process makes.
 * Format: `dev_seq_printf_stats()` in net/core/net-procfs.c, unchanged since Linux 2.2.
 */

import { type Fault, fault } from "../../../base/index.ts";

/** Where each counter stands in the array handed to the visitor. */
export const netDevColumn = {
  rxBytes: 0,
  rxPackets: 1,
  rxErrors: 2,
  rxDrops: 3,
  txBytes: 8,
  txPackets: 9,
  txErrors: 10,
  txDrops: 11,
} as const;

const columns = 16;
const newline = 10;
const space = 32;
const colon = 58;
const header = "bytes packets errs drop fifo frame compressed multicast";
const fullHeader = `face |${header}|bytes packets errs drop fifo colls carrier compressed`;

/**
 * @param bytes the file; `length` of them count
 * @param visit called once a line. The name lies at [nameStart, nameEnd); `counters` holds 16
 *   numbers and is reused for the next line. Above 2^53 a counter loses its lowest bits.
 * @returns null, or the fault of the first line that is not what the kernel writes; lines before
 *   it were visited.
 */
export function visitNetDev(
  bytes: Buffer,
  length: number,
  visit: (nameStart: number, nameEnd: number, counters: Float64Array) => void,
): Fault<"E_MALFORMED"> | null {
  const bodyStart = afterHeader(bytes, length);
  if (bodyStart === -1) return malformed(2, "not the header that the kernel writes");
  if (bytes[length - 1] !== newline) return malformed(0, "the last line is cut off");
  const counters = new Float64Array(columns);
  let line = 3;
  for (let at = bodyStart; at < length; line++) {
    while (bytes[at] === space) at++;
    const nameStart = at;
    while (at < length && bytes[at] !== colon && bytes[at] !== newline) at++;
    if (bytes[at] !== colon || at === nameStart) return malformed(line, "no interface name");
    const nameEnd = at;
    at = readCounters(bytes, at + 1, counters);
    if (at === -1) return malformed(line, `not ${columns} counters`);
    visit(nameStart, nameEnd, counters);
  }
  return null;
}

function malformed(line: number, why: string): Fault<"E_MALFORMED"> {
  return fault("E_MALFORMED", `/proc/net/dev${line > 0 ? ` line ${line}` : ""}: ${why}`);
}

/** The offset of the first line after the two of the header, or -1. */
function afterHeader(bytes: Buffer, length: number): number {
  const first = bytes.indexOf(newline);
  const second = first === -1 ? -1 : bytes.indexOf(newline, first + 1);
  if (second === -1 || second >= length) return -1;
  const seen = bytes
    .toString("latin1", first + 1, second)
    .trim()
    .replace(/ +/g, " ");
  return seen === fullHeader ? second + 1 : -1;
}

/** Fills `counters` from the rest of the line; the offset after its newline, or -1. */
function readCounters(bytes: Buffer, start: number, counters: Float64Array): number {
  let at = start;
  for (let column = 0; column < columns; column++) {
    while (bytes[at] === space) at++;
    const digits = at;
    let value = 0;
    for (let byte = bytes[at]; byte !== undefined && byte >= 48 && byte <= 57; byte = bytes[++at]) {
      value = value * 10 + (byte - 48);
    }
    if (at === digits) return -1;
    counters[column] = value;
  }
  while (bytes[at] === space) at++;
  return bytes[at] === newline ? at + 1 : -1;
}
