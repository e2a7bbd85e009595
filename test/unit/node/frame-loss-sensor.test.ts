import { describe, expect, it } from "vitest";
import { failed, fault, ok } from "../../../src/base/index.ts";
import { type FrameCounts, FrameLossSensor } from "../../../src/node/frame-loss-sensor.ts";

const stream = (
  messages: number,
  lost: number,
  of: { ageMs?: number; duplicates?: number } = {},
) => ({
  messages,
  lost,
  duplicates: 0,
  strays: 0,
  ageMs: 100,
  intervalUs: 500_000,
  ...of,
});

function sample(streams: Record<string, ReturnType<typeof stream> | null>, ifindex = 2) {
  const counts: FrameCounts = {
    attached: () => [{ index: 2, name: "wlan0" }],
    read: () => ok({ neighbours: [{ ifindex, address: "02:00:00:00:00:03", streams }] }),
  };
  return new FrameLossSensor({ counts }).sample();
}

describe("lost messages of a neighbour", () => {
  it("are summed over all that comes straight from it, its echoes of ours left out", () => {
    const streams = {
      elp: stream(110, 10, { duplicates: 10 }),
      ogm2: stream(40, 10),
      "iv-ogm": null,
      "iv-echo": stream(7, 70),
    };
    const reading = { neighbour: "02:00:00:00:00:03", interface: "wlan0", overdue: 0 };
    expect(sample(streams)).toEqual(ok([{ ...reading, expected: 160, received: 140 }]));
  });

  it.each([
    [700, 0],
    [750, 1],
    [1_300, 2],
    [60_000, 10],
  ])("are overdue once half an interval late: after %d ms %d", (ageMs, overdue) => {
    expect(sample({ elp: stream(10, 0, { ageMs }) })).toMatchObject({ value: [{ overdue }] });
  });

  it("are nobody's on an interface that is not watched any more", () => {
    expect(sample({ elp: stream(10, 0) }, 9)).toEqual(ok([]));
  });

  it("are not observed when they cannot be read", () => {
    const counts = { attached: () => [], read: () => failed(fault("E_NOT_RUNNING", "no")) };
    expect(new FrameLossSensor({ counts }).sample()).toMatchObject({ ok: false });
  });
});
