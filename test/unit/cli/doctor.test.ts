import { describe, expect, it } from "vitest";
import { canRun, no, openFileLimit, yes } from "../../../src/cli/doctor/check.ts";

describe("what /proc says", () => {
  it("of open files is the soft limit", () => {
    const limits = (soft: string) =>
      `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                 20000                files\n`;
    expect(openFileLimit(limits("1024"))).toBe(1_024);
    expect(openFileLimit(limits("unlimited"))).toBe(Number.POSITIVE_INFINITY);
    expect(openFileLimit("")).toBeNull();
  });
});

describe("the daemon can run", () => {
  const check = { name: "x", purpose: "y" };

  it("when nothing it needs is missing", () => {
    const wanted = { ...check, required: false, ...no("absent", "get it") };
    expect(canRun([{ ...check, required: true, ...yes("there") }, wanted])).toBe(true);
    expect(canRun([{ ...check, required: true, ...no("absent", "get it") }])).toBe(false);
  });
});
