import { describe, expect, it } from "vitest";
import { netDevColumn, visitNetDev } from "../../../../../src/mape-k/io/linux/proc-net-dev.ts";

const header =
  "Inter-|   Receive                                                |  Transmit\n" +
  " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";

/**
 * 6.18 is recorded; the others are composed after the format strings of those kernels: 2.6.32 puts no
 * blank after the colon when the number fills its column.
 */
const lines = {
  "6.18":
    "  eth0: 416296719   11603    0    0    0     0          0         0   972454    7683    0    0    0     0       0          0\n",
  "5.15":
    "  bat0: 1200419843 3119432    1 4407    0     0          0         0 887219844 2210031    2    9    0     0       0          0\n",
  "2.6.32":
    "  eth0:4146295719 11603    3    4    0     0          0         0   972454    7683    5    6    0     0       0          0\n",
};

type Row = { name: string; counters: number[] };

function visit(text: string, slack = ""): { rows: Row[]; code: string | null } {
  const bytes = Buffer.from(text + slack);
  const rows: Row[] = [];
  const problem = visitNetDev(bytes, Buffer.byteLength(text), (start, end, counters) => {
    rows.push({ name: bytes.toString("utf8", start, end), counters: [...counters] });
  });
  return { rows, code: problem?.code ?? null };
}

describe("/proc/net/dev", () => {
  it.each([
    ["6.18", "eth0", [416296719, 11603, 0, 0], [972454, 7683, 0, 0]],
    ["5.15", "bat0", [1200419843, 3119432, 1, 4407], [887219844, 2210031, 2, 9]],
    ["2.6.32", "eth0", [4146295719, 11603, 3, 4], [972454, 7683, 5, 6]],
  ] as const)("of Linux %s gives names and counters", (kernel, name, received, sent) => {
    const { rows, code } = visit(header + lines[kernel]);
    expect(code).toBeNull();
    expect(rows.map((row) => row.name)).toEqual([name]);
    const { rxBytes, rxPackets, rxErrors, rxDrops } = netDevColumn;
    const { txBytes, txPackets, txErrors, txDrops } = netDevColumn;
    const pick = (columns: number[]) => columns.map((column) => rows[0]?.counters[column]);
    expect(pick([rxBytes, rxPackets, rxErrors, rxDrops])).toEqual(received);
    expect(pick([txBytes, txPackets, txErrors, txDrops])).toEqual(sent);
  });

  it("gives every line its own row, in order", () => {
    const { rows } = visit(header + lines["6.18"] + lines["5.15"]);
    expect(rows.map((row) => row.name)).toEqual(["eth0", "bat0"]);
  });

  it("has no rows in a namespace without interfaces", () => {
    expect(visit(header)).toEqual({ rows: [], code: null });
  });

  it("never reads past the given length, whatever an earlier beat left there", () => {
    expect(visit(header + lines["6.18"], lines["5.15"]).rows.length).toBe(1);
  });

  const line = lines["6.18"];
  it.each([
    ["nothing", ""],
    ["one line", "Inter-| Receive\n"],
    ["another table", header.replace("drop", "lost") + line],
    ["a line cut off", header + line.slice(0, -20)],
    ["a line cut off within its last number", header + line.slice(0, -1)],
    ["fifteen counters", `${header}eth0: ${"1 ".repeat(15)}\n`],
    ["seventeen counters", `${header}eth0: ${"1 ".repeat(17)}\n`],
    ["a negative counter", header + line.replace("11603", "-1603")],
    ["a hexadecimal counter", header + line.replace("11603", "0x1603")],
    ["a line without a name", `${header}: ${"1 ".repeat(16)}\n`],
    ["a line without a colon", `${header}eth0 ${"1 ".repeat(16)}\n`],
    ["an empty line", `${header}\n${line}`],
    ["zero bytes", header + "\0".repeat(100)],
  ])("is malformed: %s", (_, text) => {
    const { rows, code } = visit(text);
    expect(code).toBe("E_MALFORMED");
    expect(rows.flatMap((row) => row.counters).every(Number.isFinite)).toBe(true);
  });
});
