import { describe, expect, it } from "vitest";
import {
  isLoopback,
  isLoopbackAuthority,
  isLoopbackOrigin,
} from "../../../src/api/http/loopback.ts";

describe("this host", () => {
  it.each(["localhost", "LocalHost", "127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"])(
    "is %s",
    (host) => expect(isLoopback(host)).toBe(true),
  );
  it.each([
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "128.0.0.1",
    "localhost.",
    "localhost.evil.example",
    "127.1",
    "2130706433",
    "::2",
    "",
  ])("is not %j", (host) => expect(isLoopback(host)).toBe(false));

  it.each(["localhost", "localhost:1", "127.0.0.1:8480", "[::1]", "[::1]:8480"])(
    "is meant by the Host %s",
    (authority) => expect(isLoopbackAuthority(authority)).toBe(true),
  );
  it.each([
    "",
    "evil.example",
    "localhost@evil.example",
    "localhost:80:90",
    "localhost:999999",
    "localhost/",
    "[::1",
    "::1",
    "127.0.0.1.evil.example",
    "localhost evil.example",
  ])("is not meant by the Host %j", (authority) =>
    expect(isLoopbackAuthority(authority)).toBe(false),
  );

  it.each(["http://localhost", "https://127.0.0.1:3000", "http://[::1]:8480"])(
    "is the origin %s",
    (origin) => expect(isLoopbackOrigin(origin)).toBe(true),
  );
  it.each([
    "null",
    "",
    "file://",
    "http://evil.example",
    "http://localhost.evil.example",
    "http://localhost@evil.example",
  ])("is not the origin %j", (origin) => expect(isLoopbackOrigin(origin)).toBe(false));
});
