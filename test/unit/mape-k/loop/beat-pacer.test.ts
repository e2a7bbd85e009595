import { describe, expect, it } from "vitest";
import { BeatPacer } from "../../../../src/mape-k/loop/beat-pacer.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";

/** Beats each time it may, and writes down when. */
function pacing(options: { beatTakesMs?: number } = {}) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const pacer = new BeatPacer({ clock }, { periodMs: 1_000 });
  const beats: { atMs: number; latenessMs: number; missed: number }[] = [];
  const done = (async () => {
    for (;;) {
      const due = await pacer.next(stop.signal);
      if (stop.signal.aborted) return;
      beats.push({ atMs: clock.monotonicMs(), ...due });
      if (options.beatTakesMs !== undefined) await clock.sleep(options.beatTakesMs);
    }
  })();
  return { clock, pacer, beats, stop, done, at: () => beats.map(({ atMs }) => atMs) };
}

describe("beats", () => {
  it("keep their rate, the first at once", async () => {
    const { clock, at } = pacing({ beatTakesMs: 300 });
    await clock.advance(3_500);
    expect(at()).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it("that come late are left out and counted", async () => {
    const { clock, beats } = pacing();
    await clock.advance(500);
    clock.stall(3_200);
    await clock.advance(500);
    expect(beats.slice(1)).toEqual([
      { atMs: 3_700, latenessMs: 2_700, missed: 2 },
      { atMs: 4_000, latenessMs: 0, missed: 0 },
    ]);
  });

  it("come soon after news, and the others when they would have come anyway", async () => {
    const { clock, pacer, beats, at } = pacing();
    await clock.advance(1_400);
    pacer.hasten();
    await clock.advance(1_000);
    expect(at()).toEqual([0, 1_000, 1_450, 2_000]);
    expect(beats[2]).toMatchObject({ latenessMs: 0, missed: 0 });
  });

  it("do not come faster than four a second and one, whatever the news", async () => {
    const { clock, pacer, at } = pacing();
    for (let n = 0; n < 1_000; n++) {
      pacer.hasten();
      await clock.advance(10);
    }
    expect(at().length).toBeLessThanOrEqual(10 * 5 + 1);
    const gaps = at().map((atMs, n) => atMs - (at()[n - 1] ?? -1_000));
    expect(gaps.filter((gap) => gap < 250).length).toBeLessThanOrEqual(10);
    expect(at()).toEqual(expect.arrayContaining([1_000, 2_000, 3_000, 9_000]));
  });

  it("follow news that came while one was under way", async () => {
    const { clock, pacer, at } = pacing({ beatTakesMs: 100 });
    await clock.advance(1_050);
    pacer.hasten();
    await clock.advance(500);
    expect(at()).toEqual([0, 1_000, 1_250]);
  });

  it("leave no early one behind when their turn came first", async () => {
    const { clock, pacer, at } = pacing();
    await clock.advance(970);
    pacer.hasten();
    await clock.advance(900);
    expect(at()).toEqual([0, 1_000]);
  });

  it("end at once when told to", async () => {
    const { clock, stop, done, at } = pacing();
    await clock.advance(300);
    stop.abort();
    await settle();
    await done;
    expect(at()).toEqual([0]);
    expect(clock.sleepers).toBe(0);
  });
});
