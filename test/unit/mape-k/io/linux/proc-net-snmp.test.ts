import { describe, expect, it } from "vitest";
import { parseTransport } from "../../../../../src/mape-k/io/linux/proc-net-snmp.ts";

/** 6.18: recorded columns, shortened, with values of our own; 2.6.32: composed after net/ipv4/proc.c. */
const snmp = {
  "6.18":
    "Icmp: InMsgs InErrors\nIcmp: 1 0\n" +
    "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n" +
    "Tcp: 1 200 120000 -1 111 2 0 0 0 11490 7564 17 0 198 0\n" +
    "Udp: InDatagrams\nUdp: 136\n",
  "2.6.32":
    "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts\n" +
    "Tcp: 1 200 120000 -1 5 2 0 0 1 900 800 3 0 1\n",
};
const netstat = {
  "6.18":
    "TcpExt: SyncookiesSent DelayedACKLost ListenOverflows ListenDrops TCPHPHits\n" +
    "TcpExt: 0 0 5 6 44\nIpExt: InNoRoutes InOctets\nIpExt: 0 416137230\n",
  "2.6.32": "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPPrequeued\nTcpExt: 0 1 2 0\n",
};

describe("/proc/net/snmp and /proc/net/netstat", () => {
  it.each([
    ["6.18", [7564, 17, 5, 6]],
    ["2.6.32", [800, 3, 1, 2]],
  ] as const)("of Linux %s give TCP's counters by name", (kernel, [sent, again, over, drops]) => {
    expect(parseTransport(snmp[kernel], netstat[kernel])).toEqual({
      ok: true,
      value: {
        sentSegments: sent,
        retransmittedSegments: again,
        listenOverflows: over,
        listenDrops: drops,
      },
    });
  });

  const good = [snmp["6.18"], netstat["6.18"]] as const;
  it.each([
    ["empty files", "", ""],
    ["the group is missing", good[0].replaceAll("Tcp:", "Tpc:"), good[1]],
    ["the values are missing", `${good[0].split("Tcp: 1 ")[0]}`, good[1]],
    ["a column is missing", good[0].replace("RetransSegs", "Other"), good[1]],
    ["fewer values than columns", good[0].replace(" 198 0\n", "\n"), good[1]],
    ["a value that is no number", good[0].replace(" 7564 ", " many "), good[1]],
    ["a negative value", good[0], good[1].replace(" 5 6 ", " -5 6 ")],
    ["netstat is cut off", good[0], good[1].slice(0, 60)],
  ])("are malformed: %s", (_, first, second) => {
    expect(parseTransport(first, second)).toMatchObject({
      ok: false,
      fault: { code: "E_MALFORMED" },
    });
  });
});
