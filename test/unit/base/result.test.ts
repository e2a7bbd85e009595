import { describe, expect, it } from "vitest";
import { failed, fault, healthy, messageOf, ok } from "../../../src/base/index.ts";

describe("results and faults", () => {
  it("tells success from failure", () => {
    expect(ok(3)).toEqual({ ok: true, value: 3 });
    expect(failed("why")).toEqual({ ok: false, fault: "why" });
  });

  it("leaves the remedy out, rather than undefined, when nobody knows one", () => {
    expect(Object.keys(fault("E_X", "it broke"))).toEqual(["code", "message"]);
    expect(fault("E_X", "it broke", "mend it")).toEqual({
      code: "E_X",
      message: "it broke",
      remedy: "mend it",
    });
  });

  it.each([
    [new Error("boom"), "boom"],
    ["boom", "boom"],
    [undefined, "undefined"],
    [null, "null"],
    [42, "42"],
  ])("finds words for whatever was thrown: %s", (thrown, words) => {
    expect(messageOf(thrown)).toBe(words);
  });

  it("says why all is well, and needs no remedy", () => {
    expect(healthy("beats")).toEqual({ state: "ok", reason: "beats" });
  });
});
