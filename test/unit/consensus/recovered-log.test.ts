/** The log a restart finds, beside the snapshot it finds. */

import { describe, expect, it } from "vitest";
import { asTerm } from "../../../src/consensus/index.ts";
import { behindSnapshot, inRepair } from "../../../src/consensus/recovered-log.ts";
import { commands, hardState, snapshotAt } from "../../compliance/sample-log.ts";

const at = (index: number, term = 1) => ({ index, term: asTerm(term) });
const log = { hardState: hardState(3, "n1"), base: at(10), entries: commands(11, 20) };

describe("a log behind a snapshot", () => {
  it("stays as it is when it holds the snapshot's position", () => {
    for (const index of [10, 15, 20]) expect(behindSnapshot(log, snapshotAt(index))).toBe(log);
  });

  it("is emptied when the snapshot is beyond its end or of another term", () => {
    for (const snapshot of [snapshotAt(21), snapshotAt(15, 2), snapshotAt(10, 2)]) {
      const { index, term } = snapshot;
      const emptied = { ...log, base: { index, term }, entries: [] };
      expect(behindSnapshot(log, snapshot)).toEqual(emptied);
    }
  });

  it("is in repair when its beginning was given up for a snapshot that is gone", () => {
    const repair = { term: asTerm(3), lastIndex: 20 };
    const inNeed = { hardState: { ...log.hardState, repair }, entries: [] };
    expect(behindSnapshot(log, snapshotAt(9))).toEqual({ ...inNeed, base: at(9) });
    expect(behindSnapshot(log, null)).toEqual({ ...inNeed, base: at(0, 0) });
  });
});

describe("a repair", () => {
  it("keeps the farthest of what earlier ones knew", () => {
    const first = inRepair(hardState(2), 30);
    expect(inRepair({ ...first, term: asTerm(5) }, 20).repair).toEqual({ term: 5, lastIndex: 30 });
    expect(inRepair({ ...first, term: asTerm(5) }, 40).repair).toEqual({ term: 5, lastIndex: 40 });
  });

  it("does not know how far when any of them did not", () => {
    const hidden = { term: asTerm(3), lastIndex: null };
    expect(inRepair(inRepair(hardState(3), null), 40).repair).toEqual(hidden);
    expect(inRepair(inRepair(hardState(3), 40), null).repair).toEqual(hidden);
  });
});
