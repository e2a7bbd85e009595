/** What goes into the next group, and what may overtake what. */

import { describe, expect, it } from "vitest";
import { asTerm, type Entry, type LogPosition } from "../../../../src/consensus/index.ts";
import type { LogState } from "../../../../src/consensus/io/log-frame.ts";
import { WriteQueue } from "../../../../src/consensus/io/write-queue.ts";
import { command, commands, hardState } from "../../../compliance/sample-log.ts";

const before: LogState = {
  hardState: hardState(1),
  base: { index: 0, term: asTerm(0) },
  lastIndex: 10,
};
const at = (index: number, term = 1): LogPosition => ({ index, term: asTerm(term) });

/** Takes so many entries, and notes what it is given. */
function groupOf(capacity: number) {
  const said: string[] = [];
  let left = capacity;
  return {
    said,
    beginGroup() {},
    add(entry: Entry, state: LogState) {
      if (left === 0) return false;
      left--;
      said.push(`${entry.index} under ${state.hardState.term} from ${state.base.index}`);
      return true;
    },
    addState: ({ hardState: { term }, base, lastIndex }: LogState) =>
      said.push(`term ${term}, ${base.index} to ${lastIndex}`),
  };
}

function queueOf(): { queue: WriteQueue; waiting: (name: string) => never } {
  const names = new Map<object, string>();
  const waiting = (name: string) => {
    const one = { resolve() {}, reject() {}, name };
    names.set(one, name);
    return one as never;
  };
  return { queue: new WriteQueue(), waiting };
}

const namesOf = (waiting: readonly object[]) =>
  waiting.map((one) => (one as { name: string }).name);
const noVote = (entries: Entry[]) => ({ hardState: null, entries });

describe("the queue of writes", () => {
  it("puts all that waits into one group, each under its own vote", () => {
    const { queue, waiting } = queueOf();
    queue.addWrite(noVote(commands(11, 12)), waiting("a"));
    queue.addWrite({ hardState: hardState(2), entries: [command(13, 2)] }, waiting("b"));
    queue.addWrite({ hardState: hardState(3), entries: [] }, waiting("c"));
    const group = groupOf(100);
    const filled = queue.fill(group, before);
    const expected = ["11 under 1 from 0", "12 under 1 from 0", "13 under 2 from 0"];
    expect(group.said).toEqual([...expected, "term 3, 0 to 13"]);
    expect(namesOf(filled.waiting)).toEqual(["a", "b", "c"]);
    expect(filled.state).toEqual({ ...before, hardState: hardState(3), lastIndex: 13 });
    expect(queue.empty).toBe(true);
  });

  it("answers a write only with the group that holds its last entry", () => {
    const { queue, waiting } = queueOf();
    queue.addWrite({ hardState: hardState(2), entries: commands(11, 15, 2) }, waiting("a"));
    const first = queue.fill(groupOf(3), before);
    expect(namesOf(first.waiting)).toEqual([]);
    expect(first).toMatchObject({ changed: true, state: { lastIndex: 13 } });
    const group = groupOf(3);
    const second = queue.fill(group, first.state);
    expect(group.said).toEqual(["14 under 2 from 0", "15 under 2 from 0"]);
    expect(namesOf(second.waiting)).toEqual(["a"]);
  });

  it("says what is in the way when nothing fits, and keeps the vote with its entries", () => {
    const { queue, waiting } = queueOf();
    queue.addWrite({ hardState: hardState(2), entries: [command(11, 2)] }, waiting("a"));
    const filled = queue.fill(groupOf(0), before);
    expect(filled).toMatchObject({ changed: false, waiting: [], blockedBy: { index: 11 } });
    expect(filled.state.hardState).toEqual(hardState(1));
    const partly = queue.fill(groupOf(1), before);
    expect(namesOf(partly.waiting)).toEqual(["a"]);
  });

  it("does not take a write that is partly written for progress when no more of it fits", () => {
    const { queue, waiting } = queueOf();
    queue.addWrite(noVote(commands(11, 12)), waiting("a"));
    const { state } = queue.fill(groupOf(1), before);
    expect(queue.fill(groupOf(0), state)).toMatchObject({ changed: false, addedEntries: false });
  });

  it("lets a compaction overtake entries that do not fit", () => {
    const { queue, waiting } = queueOf();
    queue.addWrite(noVote([command(11)]), waiting("a"));
    queue.addCompaction(at(5), waiting("b"));
    queue.addCompaction(at(7), waiting("c"));
    const group = groupOf(0);
    const filled = queue.fill(group, before);
    expect(group.said).toEqual(["term 1, 7 to 10"]);
    expect(namesOf(filled.waiting)).toEqual(["b", "c"]);
    expect(filled.changed).toBe(true);
  });

  it("lets a reset overtake the entries before it, with their votes, not those after it", () => {
    const { queue, waiting } = queueOf();
    queue.addWrite({ hardState: hardState(4), entries: commands(11, 12, 4) }, waiting("a"));
    queue.addReset(at(50, 4), waiting("b"));
    queue.addWrite(noVote([command(51, 4)]), waiting("c"));
    queue.addCompaction(at(5), waiting("d"));
    const group = groupOf(100);
    const filled = queue.fill(group, before);
    expect(group.said).toEqual(["51 under 4 from 50"]);
    expect(namesOf(filled.waiting).sort()).toEqual(["a", "b", "c", "d"]);
    expect(filled).toMatchObject({ emptied: true, state: { base: at(50, 4), lastIndex: 51 } });
  });

  it("refuses a gap", () => {
    const { queue, waiting } = queueOf();
    queue.addWrite(noVote([command(12)]), waiting("a"));
    expect(() => queue.fill(groupOf(9), before)).toThrow("no gap in the log");
  });
});
