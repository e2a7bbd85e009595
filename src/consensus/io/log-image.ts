/**
 * Puts the log together from its frames, around holes if there are any. Entries between two holes
 * form a run; a later run may make up for a hole whose entries are not needed any more.
 */

import { assert } from "../../base/index.ts";
import { asTerm, beforeTheLog, type Entry, type LogIndex, type LogPosition } from "../log-entry.ts";
import type { RecoveredLog } from "../raft-log.ts";
import { inRepair } from "../recovered-log.ts";
import type { Frame, LogState } from "./log-frame.ts";

export interface Assembled {
  readonly log: RecoveredLog;
  /** Entries that were synced, and are needed, could not be read. */
  readonly damaged: boolean;
}

export class LogImage {
  /** Each without a gap; the last is the one that grows. */
  readonly #runs: Entry[][] = [[]];
  #state: LogState = {
    hardState: { term: asTerm(0), votedFor: null, repair: null },
    base: beforeTheLog,
    lastIndex: 0,
  };

  get state(): LogState {
    return this.#state;
  }

  /** What is known at the start of a segment, whose earlier ones may be gone for good. */
  begin(state: LogState): void {
    this.#state = state;
  }

  apply({ state, entries }: Frame): void {
    const [first] = entries;
    if (first !== undefined) {
      const run = this.#cut(first.index - 1);
      const last = run.at(-1);
      if (last === undefined || first.index === last.index + 1) run.push(...entries);
      else this.#runs.push([...entries]);
    }
    this.#cut(state.lastIndex);
    this.#state = state;
  }

  /** What comes next does not continue what was there so far. */
  breakHere(): void {
    if (this.#run.length > 0) this.#runs.push([]);
  }

  /** @param covered all up to there is in a snapshot, and not needed here */
  assemble(covered: LogPosition): Assembled {
    const { base, hardState, lastIndex } = this.#state;
    const needed = Math.max(base.index, covered.index);
    const first = this.#run[0];
    const reaches = this.#run.at(-1)?.index === lastIndex;
    if (lastIndex <= needed || (reaches && first !== undefined && first.index <= needed + 1)) {
      return { log: { hardState, ...behind(base, covered, this.#run) }, damaged: false };
    }
    // Behind a hole: of what follows the base, the run that goes farthest.
    let kept: readonly Entry[] = [];
    for (const run of this.#runs) {
      const from = run.findIndex(({ index }) => index === base.index + 1);
      if (from === -1) continue;
      if ((run.at(-1)?.index ?? 0) >= (kept.at(-1)?.index ?? 0)) kept = run.slice(from);
    }
    const log = { hardState: inRepair(hardState, lastIndex), base, entries: kept };
    return { log, damaged: true };
  }

  get #run(): Entry[] {
    const run = this.#runs.at(-1);
    assert(run !== undefined, "a run that grows");
    return run;
  }

  /** The growing run without what is after `lastIndex`. */
  #cut(lastIndex: LogIndex): Entry[] {
    const run = this.#run;
    const [first] = run;
    if (first !== undefined) {
      run.length = Math.min(run.length, Math.max(0, lastIndex + 1 - first.index));
    }
    return run;
  }
}

/** The run behind the base; behind the snapshot when its first entries are only there. */
function behind(
  base: LogPosition,
  covered: LogPosition,
  run: readonly Entry[],
): { readonly base: LogPosition; readonly entries: readonly Entry[] } {
  const whole = (run[0]?.index ?? base.index + 1) <= base.index + 1;
  const from = whole ? base : { index: covered.index, term: covered.term };
  const there = whole ? undefined : run.find(({ index }) => index === covered.index);
  // Another term at the snapshot's place: all that follows is of a log that was given up.
  if (there !== undefined && there.term !== covered.term) return { base: from, entries: [] };
  return { base: from, entries: run.filter(({ index }) => index > from.index) };
}
