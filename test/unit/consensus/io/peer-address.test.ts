import { describe, expect, it } from "vitest";
import {
  formatPeerAddress,
  isLoopback,
  parsePeerAddress,
} from "../../../../src/consensus/io/peer-address.ts";

describe("a peer's address", () => {
  it.each([
    ["127.0.0.1:7400", "127.0.0.1", 7400],
    ["node-3.mesh:1", "node-3.mesh", 1],
    ["[fe80::1%wlan0]:65535", "fe80::1%wlan0", 65_535],
    ["[::1]:7400", "::1", 7400],
  ])("%s is read and written", (text, host, port) => {
    expect(parsePeerAddress(text)).toEqual({ ok: true, value: { host, port } });
    expect(formatPeerAddress({ host, port })).toBe(text);
  });

  it.each([
    "",
    "host",
    ":7400",
    "host:",
    "host:0",
    "host:65536",
    "::1:7400",
    "a b:1",
    "http://h:1",
  ])("%j is none", (text) => {
    expect(parsePeerAddress(text)).toMatchObject({ ok: false, fault: { code: "E_PEER_ADDRESS" } });
  });

  it.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["LocalHost", true],
    ["0.0.0.0", false],
    ["::", false],
    ["localhost.example.org", false],
    ["10.0.0.1", false],
  ])("%s stays on this machine: %s", (host, stays) => {
    expect(isLoopback(host)).toBe(stays);
  });
});
