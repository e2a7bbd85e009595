import process from "node:process";
import { describe, expect, it } from "vitest";
import { coreWith, type PlantedBug, plantedBugs } from "./planted-bugs.ts";
import { runSchedule, scheduleOf } from "./simulate.ts";

const seedLimit = 1_000;
const soak = process.env["MESHMEND_SOAK"] === "1";

/** The fast gate leaves out those that take hundreds of seeds to show. */
const wanted = plantedBugs.filter(({ rare }) => soak || !rare);

async function firstSeedThatCatches(bug: PlantedBug): Promise<string | null> {
  const core = await coreWith(bug);
  for (let seed = 1; seed <= seedLimit; seed++) {
    // Small groups get into some kinds of trouble that large ones rarely see, and the reverse.
    const { violation } = await runSchedule(core, scheduleOf(seed, seed % 2 === 0 ? 5 : 3));
    if (violation !== null) return `seed ${seed}: ${violation.message}`;
  }
  return null;
}

describe("the simulator", () => {
  it("knows more than ten ways to break Raft", () => {
    expect(wanted.length).toBeGreaterThanOrEqual(10);
  });

  it.each(wanted)(`catches "$name" within ${seedLimit} seeds`, async (bug) => {
    expect(await firstSeedThatCatches(bug)).toMatch(/^seed \d+: /);
  });
});
