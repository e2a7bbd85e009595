/**
 * `/proc/net/snmp` and `/proc/net/netstat`: pairs of lines, the first naming the columns of the
 * second (`Tcp: InSegs ...` / `Tcp: 42 ...`). Columns are found by name: kernels add to them.
 * Source: net/ipv4/proc.c.
 */

import { type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import type { TransportReading } from "../../observation.ts";

export function parseTransport(
  snmp: string,
  netstat: string,
): Result<TransportReading, Fault<"E_MALFORMED">> {
  const tcp = readPair(snmp, "Tcp", ["OutSegs", "RetransSegs"]);
  if (!tcp.ok) return tcp;
  const extended = readPair(netstat, "TcpExt", ["ListenOverflows", "ListenDrops"]);
  if (!extended.ok) return extended;
  return ok({
    sentSegments: tcp.value[0],
    retransmittedSegments: tcp.value[1],
    listenOverflows: extended.value[0],
    listenDrops: extended.value[1],
  });
}

type Two<Item> = readonly [Item, Item];

function readPair(
  text: string,
  group: string,
  names: Two<string>,
): Result<Two<number>, Fault<"E_MALFORMED">> {
  const lines = text.split("\n").filter((line) => line.startsWith(`${group}: `));
  const [columns, values] = lines.map((line) => line.trimEnd().split(" "));
  if (columns === undefined || values === undefined || columns.length !== values.length) {
    return failed(fault("E_MALFORMED", `no pair of ${group} lines of equal length`));
  }
  const first = readColumn(columns, values, names[0]);
  const second = readColumn(columns, values, names[1]);
  if (first !== null && second !== null) return ok([first, second]);
  return failed(fault("E_MALFORMED", `${group} has no counters ${names.join(" and ")}`));
}

function readColumn(
  columns: readonly string[],
  values: readonly string[],
  name: string,
): number | null {
  const value = values[columns.indexOf(name)];
  return value !== undefined && /^\d{1,20}$/.test(value) ? Number(value) : null;
}
