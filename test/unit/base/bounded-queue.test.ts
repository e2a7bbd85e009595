import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedQueue } from "../../../src/base/index.ts";

describe("BoundedQueue", () => {
  it("gives back what it took, oldest first, once", () => {
    const queue = new BoundedQueue<string>(3);
    for (const item of ["a", "b", "c"]) expect(queue.offer(item)).toBe(true);
    expect(queue.drain()).toEqual(["a", "b", "c"]);
    expect(queue.drain()).toEqual([]);
  });

  it("refuses what does not fit, keeps what it has, and counts", () => {
    const queue = new BoundedQueue<number>(2);
    expect([1, 2, 3, 4].map((item) => queue.offer(item))).toEqual([true, true, false, false]);
    expect(queue.drain()).toEqual([1, 2]);
    expect(queue.dropped).toBe(2);
    expect(queue.offer(5)).toBe(true);
  });

  it("never holds more than its capacity, and loses nothing uncounted", () => {
    const moves = fc.array(fc.oneof(fc.integer(), fc.constant("drain" as const)));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), moves, (capacity, script) => {
        const queue = new BoundedQueue<number>(capacity);
        let offered = 0;
        let drained = 0;
        for (const move of script) {
          if (move === "drain") {
            drained += queue.drain().length;
            continue;
          }
          offered++;
          queue.offer(move);
          expect(queue.length).toBeLessThanOrEqual(capacity);
        }
        expect(drained + queue.length + queue.dropped).toBe(offered);
      }),
    );
  });
});
