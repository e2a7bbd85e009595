import { describe, expect, it } from "vitest";
import { InflightWindow } from "../../../src/consensus/progress.ts";

describe("the window of what is in flight", () => {
  it("is full by number", () => {
    const window = new InflightWindow(2);
    window.add(1, 1);
    expect(window.full(1_000)).toBe(false);
    window.add(2, 1);
    expect(window.full(1_000)).toBe(true);
  });

  it("is full by weight, though one heavy message always fits", () => {
    const window = new InflightWindow(8);
    expect(window.full(10)).toBe(false);
    window.add(1, 5_000);
    expect(window.full(10)).toBe(true);
  });

  it("is freed by acknowledgements in order, over and over", () => {
    const window = new InflightWindow(3);
    for (let index = 1; index <= 100; index += 3) {
      for (let i = 0; i < 3; i++) window.add(index + i, 10);
      expect(window.full(1_000)).toBe(true);
      window.freeUpTo(index + 1);
      expect(window.count).toBe(1);
      expect(window.full(10)).toBe(true);
      expect(window.full(11)).toBe(false);
      window.freeUpTo(index + 2);
      expect(window.count).toBe(0);
    }
  });

  it("frees nothing for an old acknowledgement", () => {
    const window = new InflightWindow(3);
    window.add(5, 1);
    window.add(9, 1);
    window.freeUpTo(4);
    expect(window.count).toBe(2);
    window.clear();
    window.freeUpTo(9);
    expect(window.count).toBe(0);
  });
});
