import { describe, expect, it } from "vitest";
import { perSecond, recentLoss, type StreamReading, streamRate } from "../../../src/ebpf/index.ts";

const reading = (changes: Partial<StreamReading>): StreamReading => ({
  messages: 0,
  lost: 0,
  duplicates: 0,
  reordered: 0,
  strays: 0,
  restarts: 0,
  highest: 0,
  window: 32,
  windowLost: 0,
  receivedBits: 0xffffffff,
  ageMs: 0,
  intervalUs: 500_000,
  jitterUs: 0,
  quality: 0,
  ttl: 0,
  bursting: false,
  ...changes,
});

describe("streamRate", () => {
  it.each([
    ["a new stream counts whole", null, { messages: 8, lost: 2 }, 10, 2, 0.2],
    [
      "only what came since counts",
      { messages: 100, lost: 50 },
      { messages: 109, lost: 51 },
      10,
      1,
      0.1,
    ],
    [
      "duplicates and strays are no messages",
      { messages: 10, duplicates: 1 },
      { messages: 20, duplicates: 4, strays: 2, lost: 5 },
      10,
      5,
      0.5,
    ],
    [
      "late ones make the loss smaller, not negative",
      { messages: 10, lost: 3 },
      { messages: 12, lost: 2 },
      2,
      0,
      0,
    ],
    [
      "an entry that began anew counts whole",
      { messages: 100, lost: 9 },
      { messages: 3, lost: 1 },
      4,
      1,
      0.25,
    ],
    ["nothing expected is not no loss", { messages: 5 }, { messages: 5 }, 0, 0, null],
  ])("%s", (_, before, after, expected, lost, lossRatio) => {
    const rate = streamRate(before && reading(before), reading(after));
    expect(rate).toEqual({ expected, lost, lossRatio });
  });
});

describe("recentLoss", () => {
  it.each([
    ["all there", {}, 8, 0],
    ["two of the last eight", { receivedBits: 0xffffffeb }, 8, 2],
    ["older losses are out of sight", { receivedBits: 0xfffff0ff }, 8, 0],
    ["what is due now has half an interval of grace", { ageMs: 740 }, 8, 0],
    ["what is overdue is lost", { ageMs: 1800 }, 8, 3],
    ["overdue ones and gaps add up", { ageMs: 1300, receivedBits: 0xfffffffd }, 8, 3],
    ["silence is total loss", { ageMs: 60_000 }, 8, 8],
    ["a young stream is judged by what it has", { window: 3, receivedBits: 0b101 }, 3, 1],
  ])("%s", (_, changes, expected, lost) => {
    expect(recentLoss(reading(changes), 500, 8)).toEqual({
      expected,
      lost,
      lossRatio: lost / expected,
    });
  });
});

describe("perSecond", () => {
  it("divides by the time, and takes a counter that fell as begun anew", () => {
    expect(perSecond(10, 30, 500)).toBe(40);
    expect(perSecond(30, 10, 1000)).toBe(10);
    expect(perSecond(10, 30, 0)).toBe(0);
  });
});
