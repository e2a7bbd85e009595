import { describe, expect, it } from "vitest";
import {
  parseCount,
  parseInterfaceFlags,
  parseOperState,
} from "../../../../../src/mape-k/io/linux/sysfs-interface.ts";

describe("sysfs attributes of an interface", () => {
  it.each([
    ["0x1003\n", { adminUp: true, loopback: false }],
    ["0x1002\n", { adminUp: false, loopback: false }],
    ["0x9\n", { adminUp: true, loopback: true }],
  ])("flags %j", (text, flags) => expect(parseInterfaceFlags(text)).toEqual(flags));

  it.each([
    ["lowerlayerdown\n", "lowerlayerdown"],
    ["up", "up"],
    ["unknown\n", "unknown"],
  ] as const)("operstate %j", (text, state) => expect(parseOperState(text)).toBe(state));

  it.each([
    ["0\n", 0],
    ["1500\n", 1500],
    ["65536", 65536],
  ])("count %j", (text, count) => expect(parseCount(text)).toBe(count));

  it.each(["", "\n", "1003\n", "0x\n", "0xzz\n", "0x1003 junk", "0x123456789"])(
    "no flags in %j",
    (text) => expect(parseInterfaceFlags(text)).toBeNull(),
  );
  it.each(["", "\n", "UP\n", "sideways\n", "up\ndown\n"])("no state in %j", (text) =>
    expect(parseOperState(text)).toBeNull(),
  );
  it.each(["", "\n", "-1\n", "1e3\n", "NaN", "1.5", "0x10", "9".repeat(16)])(
    "no count in %j",
    (text) => expect(parseCount(text)).toBeNull(),
  );
});
