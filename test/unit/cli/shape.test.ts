import { describe, expect, it } from "vitest";
import {
  checkShape,
  list,
  nullable,
  number,
  optional,
  record,
  text,
} from "../../../src/cli/shape.ts";

const person = record({ name: text, age: nullable(number), nick: optional(text) });

describe("a shape", () => {
  it("gives what fits and drops what it does not know", () => {
    const seen = checkShape(list(person), [{ name: "a", age: null, extra: 1 }]);
    expect(seen).toEqual({ ok: true, value: [{ name: "a", age: null }] });
  });

  it.each([
    [[{ name: 1, age: null }], "expected text at [0].name"],
    [[{ name: "a" }], "expected a number at [0].age"],
    [[{ name: "a", age: 1, nick: 2 }], "expected text at [0].nick"],
    [{}, "expected a list at the top"],
    [[null], "expected an object at [0]"],
    [undefined, "expected a list at the top"],
  ])("says where %j does not fit", (value, fault) => {
    expect(checkShape(list(person), value)).toEqual({ ok: false, fault });
  });
});
