import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/index.ts";

describe("seededRandom", () => {
  it("is Mulberry32: the first draw of seed 0 is the reference's", () => {
    expect(seededRandom(0).uint32() / 2 ** 32).toBe(0.26642920868471265);
  });

  it("repeats itself for a seed, and differs between seeds", () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 8 }, () => random.uint32());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("stays within 32 bits and uses all of them", () => {
    const random = seededRandom(1);
    const draws = Array.from({ length: 4_096 }, () => random.uint32());
    expect(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32)).toBe(true);
    for (let bit = 0; bit < 32; bit++) {
      const share = draws.filter((draw) => Math.floor(draw / 2 ** bit) % 2 === 1).length / 4_096;
      expect(share).toBeGreaterThan(0.45);
      expect(share).toBeLessThan(0.55);
    }
  });
});
