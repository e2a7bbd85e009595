import { describe, expect, it } from "vitest";
import {
  isProbeUrl,
  readDurationMs,
  readHostPort,
  readRatio,
  readSizeBytes,
  writeDuration,
  writeHostPort,
  writeRatio,
  writeSize,
} from "../../../src/config/notation.ts";

describe("durations", () => {
  it.each([
    ["100ms", 100],
    ["1s", 1_000],
    ["0.1s", 100],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["250", 250],
    [250, 250],
  ])("%j is %d ms", (text, ms) => expect(readDurationMs(text)).toBe(ms));

  it.each(["", "1 week", "-1s", "1S", "s", "1s2", "1e3s", "toString", Number.NaN, null, true])(
    "%j is none",
    (text) => expect(readDurationMs(text)).toBeNull(),
  );

  it("are written in the largest unit that fits", () => {
    expect([0, 100, 1_000, 90_000, 300_000, 7_200_000].map(writeDuration)).toEqual([
      "0ms",
      "100ms",
      "1s",
      "90s",
      "5m",
      "2h",
    ]);
  });
});

describe("sizes and shares", () => {
  it.each([
    ["64KiB", 65_536],
    ["1MB", 1_000_000],
    ["7B", 7],
    ["12", 12],
  ])("%s is %d bytes", (text, bytes) => expect(readSizeBytes(text)).toBe(bytes));

  it("keep their base when written", () => expect(writeSize(65_536)).toBe("64KiB"));

  it.each([
    ["5%", 0.05],
    ["100%", 1],
    ["0.2", 0.2],
    [0.2, 0.2],
    ["20", 20],
  ])("%j is the share %d", (text, ratio) => expect(readRatio(text)).toBe(ratio));

  it("have no negative share", () => expect(readRatio("-1%")).toBeNull());
  it("write shares as percentages", () => expect(writeRatio(0.07)).toBe("7%"));
});

describe("addresses", () => {
  it.each([
    ["127.0.0.1:8480", "127.0.0.1", 8_480],
    ["localhost:0", "localhost", 0],
    ["node_1.mesh.local:65535", "node_1.mesh.local", 65_535],
    ["[::1]:8480", "::1", 8_480],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
  ])("%s is a host and a port", (text, host, port) => {
    expect(readHostPort(text)).toEqual({ host, port });
    expect(writeHostPort({ host, port })).toBe(text);
  });

  it.each([
    "8480",
    ":8480",
    "localhost",
    "::1:8480",
    "[::1]",
    "[nonsense]:1",
    "[1:2:3]:1",
    "a:65536",
    "a:-1",
    "256.1.1.1:1",
    "1.2.3:4",
    "-a:1",
    "a b:1",
    "http://a:1",
    8_480,
  ])("%j is none", (text) => expect(readHostPort(text)).toBeNull());
});

describe("probe targets", () => {
  it.each([
    "tcp://10.0.0.1:22",
    "tcp://[::1]:22",
    "icmp://10.0.0.1",
    "icmp://gw",
    "icmp://[fe80::1]",
  ])("%s is one", (text) => expect(isProbeUrl(text)).toBe(true));
  it.each([
    "tcp://a",
    "tcp://a:0",
    "icmp://a:1",
    "icmp://-c",
    "icmp://",
    "udp://a:1",
    "icmp://a b",
  ])("%s is none", (text) => expect(isProbeUrl(text)).toBe(false));
});
