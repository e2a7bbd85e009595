import { describe, expect, it } from "vitest";
import { assert, unreachable } from "../../../src/base/index.ts";

describe("an invariant", () => {
  it("says nothing while it holds", () => {
    expect(() => assert(true, "the sun to rise")).not.toThrow();
  });

  it("crashes with what was expected when it is broken", () => {
    expect(() => assert(false, "two beats")).toThrow("broken invariant: expected two beats");
  });

  it("shows the case that nobody thought of", () => {
    const stranger: unknown = { kind: "reboot" };
    expect(() => unreachable(stranger as never)).toThrow('unexpected case {"kind":"reboot"}');
  });
});
