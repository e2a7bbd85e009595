import { describe, expect, it } from "vitest";
import {
  interfaceNameProblem,
  matchesAny,
} from "../../../../../src/mape-k/io/linux/interface-name.ts";

describe("an interface name", () => {
  it.each(["eth0", "wlan0-mesh", "bat0.100", "a".repeat(15), "mesh@1", "größe", "..."])(
    "may be %j",
    (name) => expect(interfaceNameProblem(name)).toBeNull(),
  );
  it.each(["", ".", "..", "-h", "--help", "a/b", "../x", "a b", "a\tb", "a\n", "a\0b", "eth0:1"])(
    "may not be %j",
    (name) => expect(interfaceNameProblem(name)).toBeTypeOf("string"),
  );
  it("is counted in bytes", () => {
    expect(interfaceNameProblem("a".repeat(16))).toContain("16 bytes");
    expect(interfaceNameProblem("ü".repeat(8))).toContain("16 bytes");
  });
});

describe("a pattern", () => {
  it.each([
    ["*", "anything", true],
    ["eth*", "eth0", true],
    ["eth*", "veth0", false],
    ["eth?", "eth0", true],
    ["eth?", "eth", false],
    ["eth?", "eth10", false],
    ["*.100", "bat0.100", true],
    ["bat0.100", "bat0x100", false],
    ["a+(b)[c]", "a+(b)[c]", true],
    ["", "eth0", false],
  ])("%j on %j: %s", (pattern, name, expected) => {
    expect(matchesAny([pattern])(name)).toBe(expected);
  });

  it("is one of several, and none matches nothing", () => {
    expect(matchesAny(["eth*", "wlan*"])("wlan0")).toBe(true);
    expect(matchesAny([])("wlan0")).toBe(false);
  });
});
