import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom, timeOrderedId } from "../../../src/base/index.ts";

const wallMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });

describe("timeOrderedId", () => {
  it("spells the time as the ULID specification does", () => {
    // https://github.com/ulid/spec: 01ARYZ6S41 is 1469918176385.
    expect(timeOrderedId(1_469_918_176_385, seededRandom(1)).slice(0, 10)).toBe("01ARYZ6S41");
  });

  it("is 26 characters of Crockford's alphabet", () => {
    fc.assert(
      fc.property(wallMs, fc.integer(), (ms, seed) => {
        expect(timeOrderedId(ms, seededRandom(seed))).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
      }),
    );
  });

  it("sorts as text as it sorts in time, whatever chance adds", () => {
    fc.assert(
      fc.property(wallMs, wallMs, fc.integer(), (one, other, seed) => {
        fc.pre(one < other);
        const random = seededRandom(seed);
        const later = timeOrderedId(other, random);
        expect(timeOrderedId(one, random) < later).toBe(true);
      }),
    );
  });

  it("differs within a millisecond", () => {
    const random = seededRandom(3);
    const ids = Array.from({ length: 1_000 }, () => timeOrderedId(5, random));
    expect(new Set(ids).size).toBe(1_000);
  });

  it("survives a clock before 1970", () => {
    expect(timeOrderedId(-1, seededRandom(1)).slice(0, 10)).toBe("0000000000");
  });
});
