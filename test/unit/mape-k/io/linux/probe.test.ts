import { describe, expect, it } from "vitest";
import { judgePing } from "../../../../../src/mape-k/io/linux/icmp-probe.ts";
import { parseProbeUrl } from "../../../../../src/mape-k/io/linux/probe.ts";

describe("a target's URL", () => {
  it.each([
    ["tcp://192.0.2.1:22", { kind: "tcp", host: "192.0.2.1", port: 22 }],
    ["tcp://[2001:db8::1]:443", { kind: "tcp", host: "2001:db8::1", port: 443 }],
    ["icmp://gateway.example.org", { kind: "icmp", host: "gateway.example.org" }],
    ["icmp://[fe80::1%mesh0]", { kind: "icmp", host: "fe80::1%mesh0" }],
  ])("%s", (url, value) => expect(parseProbeUrl(url)).toEqual({ ok: true, value }));

  it.each([
    "",
    "192.0.2.1",
    "http://192.0.2.1:80",
    "tcp://192.0.2.1",
    "tcp://192.0.2.1:0",
    "tcp://192.0.2.1:65536",
    "icmp://192.0.2.1:7",
    "icmp://-f",
    "icmp://[-f]",
    "icmp://a b",
    "icmp://a;reboot",
    "icmp://",
  ])("is refused: %j", (url) => {
    expect(parseProbeUrl(url)).toMatchObject({ ok: false, fault: { code: "E_BAD_TARGET" } });
  });
});

describe("what ping says", () => {
  const silent = { stdout: "", stderr: "", truncated: false };
  it.each([
    ["an echo", { ...silent, exitCode: 0 }, "answer"],
    ["silence", { ...silent, exitCode: 1 }, "no-answer"],
    [
      "no route",
      { ...silent, exitCode: 2, stderr: "ping: connect: Network is unreachable\n" },
      "no-answer",
    ],
    [
      "not allowed (iputils)",
      { ...silent, exitCode: 2, stderr: "ping: socktype: SOCK_RAW: Operation not permitted\n" },
      "not-tried",
    ],
    [
      "not allowed (busybox)",
      { ...silent, exitCode: 1, stderr: "ping: permission denied (are you root?)\n" },
      "not-tried",
    ],
  ] as const)("%s", (_, end, kind) => expect(judgePing(end).kind).toBe(kind));
});
