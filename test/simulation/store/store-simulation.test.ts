import process from "node:process";
import { describe, expect, it } from "vitest";
import * as core from "../../../src/consensus/index.ts";
import { runSchedule, scheduleOf } from "../simulate.ts";
import { storeBugs, storeWith } from "./store-bugs.ts";
import { productionStore } from "./store-code.ts";

const soak = process.env["MESHMEND_SOAK"] === "1";
const bugSeeds = 1_000;

describe("a simulated group with a store on every node", () => {
  it.each([
    { nodeCount: 5, seeds: soak ? 10_000 : 40 },
    { nodeCount: 3, seeds: soak ? 10_000 : 40 },
    { nodeCount: 1, seeds: soak ? 1_000 : 10 },
  ])("of $nodeCount keeps every promise over $seeds seeds", async ({ nodeCount, seeds }) => {
    const work = { operations: 0, events: 0, leasesKept: 0, leasesExpired: 0 };
    for (let seed = 1; seed <= seeds; seed++) {
      const schedule = scheduleOf(seed, nodeCount);
      const { violation, counts } = await runSchedule(core, schedule, { store: productionStore });
      const replay = `npm run sim -- --store --seed ${seed} --nodes ${nodeCount}`;
      expect(violation?.message ?? null, replay).toBeNull();
      for (const name of Object.keys(work) as (keyof typeof work)[]) {
        work[name] += counts[name] ?? 0;
      }
    }
    expect(work.operations).toBeGreaterThan(20 * seeds);
    expect(work.events).toBeGreaterThan(50 * seeds);
    expect(work.leasesKept).toBeGreaterThan(5 * seeds);
    expect(work.leasesExpired).toBeGreaterThan(seeds);
  });

  it("repeats a seed exactly", async () => {
    const run = async () => {
      const lines: string[] = [];
      const trace = (line: string) => lines.push(line);
      await runSchedule(core, scheduleOf(7), { trace, store: productionStore });
      return lines.join("\n");
    };
    const first = await run();
    expect(first.length).toBeGreaterThan(100_000);
    expect((await run()) === first).toBe(true);
  });
});

describe("the simulator with a store", () => {
  it.each(storeBugs)(`catches "$name" within ${bugSeeds} seeds`, async (bug) => {
    const store = await storeWith(bug);
    let caught: string | null = null;
    for (let seed = 1; seed <= bugSeeds && caught === null; seed++) {
      const schedule = scheduleOf(seed, seed % 2 === 0 ? 5 : 3);
      const { violation } = await runSchedule(core, schedule, { store });
      if (violation !== null) caught = `seed ${seed}: ${violation.message}`;
    }
    expect(caught).toMatch(/^seed \d+: /);
  });
});
