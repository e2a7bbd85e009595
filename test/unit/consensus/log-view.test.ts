import { describe, expect, it } from "vitest";
import { asTerm, type Entry } from "../../../src/consensus/index.ts";
import { entryBytes } from "../../../src/consensus/log-entry.ts";
import { LogView } from "../../../src/consensus/log-view.ts";

const entry = (index: number, term: number, bytes = 10): Entry => ({
  index,
  term: asTerm(term),
  kind: "command",
  command: new Uint8Array(bytes),
});
const at = (index: number, term: number) => ({ index, term: asTerm(term) });
const nowhere = at(0, 0);

/** A log on disk with entries of these terms from index 1 on. */
const logOf = (...terms: number[]) =>
  new LogView(
    nowhere,
    terms.map((term, i) => entry(i + 1, term)),
  );

describe("the log view", () => {
  it("takes entries without a gap only", () => {
    const log = logOf(1, 1);
    expect(() => log.append([entry(4, 1)])).toThrow("without a gap");
    log.append([entry(3, 2)]);
    expect(log.last).toMatchObject({ index: 3, term: 2 });
  });

  it("calls recovered entries durable, and new ones once their write is confirmed", () => {
    const log = logOf(1);
    expect(log.durableIndex).toBe(1);
    log.append([entry(2, 1)]);
    expect(log.takeUnsaved(1)).toHaveLength(1);
    log.append([entry(3, 1), entry(4, 1)]);
    expect(log.takeUnsaved(2)).toHaveLength(2);
    expect(log.hasUnsaved).toBe(false);
    log.persisted(1);
    expect(log.durableIndex).toBe(2);
    log.persisted(2);
    expect(log.durableIndex).toBe(4);
  });

  it("does not take a write that was overtaken by a truncation for the entry in its place", () => {
    const log = logOf(1);
    log.append([entry(2, 1), entry(3, 1)]);
    log.takeUnsaved(1);
    log.truncateFrom(3);
    log.append([entry(3, 2), entry(4, 2)]);
    expect(log.takeUnsaved(2).map(({ index }) => index)).toEqual([3, 4]);
    log.persisted(1);
    expect(log.durableIndex).toBe(2);
    log.persisted(2);
    expect(log.durableIndex).toBe(4);
  });

  it("writes again what a truncation replaced before it was written", () => {
    const log = logOf(1, 1, 1);
    log.truncateFrom(2);
    log.append([entry(2, 2)]);
    expect(log.durableIndex).toBe(1);
    expect(log.takeUnsaved(1).map(({ index }) => index)).toEqual([2]);
  });

  it.each([
    [[1, 1, 2, 4, 4], 5, 3, at(3, 2)],
    [[1, 1, 2, 4, 4], 5, 4, at(5, 4)],
    [[1, 1, 2, 4, 4], 9, 9, at(5, 4)],
    [[2, 2], 2, 1, nowhere],
    [[], 3, 3, nowhere],
  ])(
    "in a log of terms %j looks from %i in term %i for the last place to agree",
    (terms, index, term, found) => {
      expect(logOf(...terms).lastPositionWithin(index, asTerm(term))).toEqual(found);
    },
  );

  it("slices within both limits, and never less than one entry", () => {
    const log = new LogView(
      nowhere,
      [1, 2, 3, 4].map((index) => entry(index, 1, 100)),
    );
    const one = entryBytes(entry(1, 1, 100));
    expect(log.slice(0, 2 * one, 10)).toHaveLength(2);
    expect(log.slice(1, 1e9, 2).map(({ index }) => index)).toEqual([2, 3]);
    expect(log.slice(3, 1, 10)).toHaveLength(1);
    expect(log.slice(4, 1e9, 10)).toEqual([]);
  });

  it("forgets what is compacted and keeps counting right", () => {
    const log = logOf(1, 1, 2, 2, 3);
    for (let index = 1; index <= 4; index++) {
      log.compactTo(index);
      expect(log.base.index).toBe(index);
      expect(log.lastIndex).toBe(5);
      expect(log.termAt(index - 1)).toBeNull();
      expect(log.termAt(index)).toBe([1, 1, 2, 2][index - 1]);
      expect(log.entryAt(5)?.term).toBe(3);
      expect(log.bytes).toBe((5 - index) * entryBytes(entry(1, 1)));
    }
    expect(() => log.slice(2, 1, 1)).toThrow("not compacted away");
    log.append([entry(6, 3)]);
    expect(log.slice(4, 1e9, 10).map(({ index }) => index)).toEqual([5, 6]);
  });

  it("never compacts what is not on disk", () => {
    const log = logOf(1);
    log.append([entry(2, 1)]);
    expect(() => log.compactTo(2)).toThrow("what is on disk");
  });

  it("starts over behind a snapshot, and late confirmations change nothing", () => {
    const log = logOf(1, 1);
    log.append([entry(3, 1)]);
    log.takeUnsaved(1);
    log.resetTo(at(10, 4));
    log.persisted(1);
    expect([log.lastIndex, log.durableIndex, log.bytes]).toEqual([10, 10, 0]);
    expect(log.holds(at(10, 4))).toBe(true);
    expect(log.hasUnsaved).toBe(false);
  });
});
