import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/base/index.ts";
import { backoffMs } from "../../../../src/consensus/io/backoff.ts";

const options = { reconnectMs: 50, maxReconnectMs: 2_000, refusedRetryMs: 10_000 };
const least = { uint32: () => 0 };
const most = { uint32: () => 2 ** 32 - 1 };

describe("the wait before a connection is tried again", () => {
  it.each([
    [1, false, 50],
    [2, false, 100],
    [5, false, 800],
    [7, false, 2_000],
    [1_000_000, false, 2_000],
    [1, true, 10_000],
    [1_000, true, 10_000],
  ])(
    "after %i failures (refused: %s) is at most %i ms and at least half",
    (failures, refused, ms) => {
      expect(backoffMs(failures, refused, options, least)).toBe(ms / 2);
      expect(backoffMs(failures, refused, options, most)).toBeCloseTo(ms, 3);
    },
  );

  it("differs between nodes", () => {
    const waits = [1, 2, 3].map((seed) => backoffMs(5, false, options, seededRandom(seed)));
    expect(new Set(waits).size).toBe(3);
  });
});
