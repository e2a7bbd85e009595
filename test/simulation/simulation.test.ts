import process from "node:process";
import { describe, expect, it } from "vitest";
import * as core from "../../src/consensus/index.ts";
import { coreWith, plantedBugs } from "./planted-bugs.ts";
import type { Schedule } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { runSchedule, scheduleOf } from "./simulate.ts";

const soak = process.env["MESHMEND_SOAK"] === "1";

describe("a simulated group", () => {
  it.each([
    { nodeCount: 5, seeds: soak ? 10_000 : 100 },
    { nodeCount: 3, seeds: soak ? 10_000 : 100 },
    { nodeCount: 1, seeds: soak ? 1_000 : 20 },
  ])("of $nodeCount keeps every promise over $seeds seeds", async ({ nodeCount, seeds }) => {
    const work = { writes: 0, reads: 0, crashes: 0, elections: 0, snapshotsInstalled: 0 };
    for (let seed = 1; seed <= seeds; seed++) {
      const { violation, counts } = await runSchedule(core, scheduleOf(seed, nodeCount));
      const replay = `npm run sim -- --seed ${seed} --nodes ${nodeCount}`;
      expect(violation?.message ?? null, replay).toBeNull();
      for (const name of Object.keys(work) as (keyof typeof work)[]) work[name] += counts[name];
    }
    // A world in which nothing happens keeps every promise, too.
    expect(work.writes).toBeGreaterThan(20 * seeds);
    expect(work.reads).toBeGreaterThan(5 * seeds);
    expect(work.crashes).toBeGreaterThan(seeds);
    expect(work.elections).toBeGreaterThan(seeds);
    if (nodeCount > 1) expect(work.snapshotsInstalled).toBeGreaterThan(seeds / 5);
  });

  it("repeats a seed exactly", async () => {
    const run = async () => {
      const lines: string[] = [];
      const trace = (line: string) => lines.push(line);
      const { fingerprint } = await runSchedule(core, scheduleOf(42), { trace });
      return { fingerprint, trace: lines.join("\n") };
    };
    const first = await run();
    expect(first.trace.length).toBeGreaterThan(100_000);
    expect(await run()).toEqual(first);
    expect((await runSchedule(core, scheduleOf(42))).fingerprint).toBe(first.fingerprint);
    expect((await runSchedule(core, scheduleOf(43))).fingerprint).not.toBe(first.fingerprint);
  });

  it("makes a failing schedule smaller, down to what breaks the property", async () => {
    const bug = plantedBugs.find(({ name }) => name === "double apply");
    if (bug === undefined) throw new Error("the bug is planted");
    const broken = await coreWith(bug);
    const schedule = scheduleOf(1);
    const breaks = async (smaller: Schedule) =>
      (await runSchedule(broken, smaller)).violation?.property === "applied once, in order";
    expect(await breaks(schedule)).toBe(true);
    const smallest = await shrink(schedule, breaks, 400);
    expect(smallest.steps.length).toBeLessThan(20);
    expect(await breaks(smallest)).toBe(true);
  });
});
