/**
 * What waits to be written to the log, and what of it makes up the next group. Knows what may
 * overtake what: a compaction everything, since it lets go of entries that are on disk, and a reset
 * the entries before it, since it empties the log of them.
 */

import { assert } from "../../base/index.ts";
import type { Entry, LogIndex, LogPosition } from "../log-entry.ts";
import type { LogWrite } from "../raft-log.ts";
import type { LogState } from "./log-frame.ts";

export interface Waiting {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** What the queue fills; `add` is false when the group or its segment can take no more. */
interface GroupPort {
  beginGroup(): void;
  add(entry: Entry, state: LogState): boolean;
  addState(state: LogState): void;
}

export interface Group {
  /** The log's state when it is on disk. */
  readonly state: LogState;
  /** Who is to be answered then. */
  readonly waiting: readonly Waiting[];
  /** It says something new, though perhaps nobody's write is complete. */
  readonly changed: boolean;
  readonly addedEntries: boolean;
  /** Everything before it is overridden. */
  readonly emptied: boolean;
  /** The entry that did not fit. */
  readonly blockedBy: Entry | null;
}

interface QueuedWrite {
  readonly kind: "write";
  readonly write: LogWrite;
  readonly waiting: Waiting;
  /** How many of its entries are in a group already. */
  written: number;
}

interface QueuedReset {
  readonly kind: "reset";
  readonly to: LogPosition;
  readonly waiting: Waiting;
}

export class WriteQueue {
  #queue: (QueuedWrite | QueuedReset)[] = [];
  #compactTo: LogPosition | null = null;
  #compactions: Waiting[] = [];

  get empty(): boolean {
    return this.#queue.length === 0 && this.#compactions.length === 0;
  }

  addWrite(write: LogWrite, waiting: Waiting): void {
    this.#queue.push({ kind: "write", write, waiting, written: 0 });
  }

  addReset(to: LogPosition, waiting: Waiting): void {
    this.#queue.push({ kind: "reset", to, waiting });
  }

  addCompaction(upTo: LogPosition, waiting: Waiting): void {
    if (upTo.index > (this.#compactTo?.index ?? 0)) this.#compactTo = upTo;
    this.#compactions.push(waiting);
  }

  /** Everybody who waits; they are out of the queue then. */
  takeWaiting(): Waiting[] {
    const all = [...this.#queue.map(({ waiting }) => waiting), ...this.#compactions];
    this.#queue = [];
    this.#compactions = [];
    return all;
  }

  fill(group: GroupPort, before: LogState): Group {
    const waiting: Waiting[] = [];
    const emptied = this.#takeResets(before, waiting);
    let state = this.#takeCompactions(emptied ?? before, waiting);
    let { lastIndex } = state;
    let stated = before;
    let blockedBy: Entry | null = null;
    let taken = 0;
    let addedEntries = false;
    group.beginGroup();
    for (const item of this.#queue) {
      assert(item.kind === "write", "no reset behind the last one");
      const { hardState, entries } = item.write;
      const { written } = item;
      // Frames are shared by all that is written under the same state.
      const under = hardState === null || written > 0 ? state : { ...state, hardState };
      blockedBy = addEntries(group, item, under, lastIndex);
      if (item.written > written) {
        addedEntries = true;
        stated = under;
        lastIndex = (entries[item.written - 1] as Entry).index;
      }
      if (blockedBy !== null && item.written === 0) break;
      state = under;
      if (blockedBy !== null) break;
      waiting.push(item.waiting);
      taken++;
    }
    this.#queue.splice(0, taken);
    if (state.lastIndex !== lastIndex) state = { ...state, lastIndex };
    const changed = emptied !== null || addedEntries || state.base !== before.base;
    if (!addedEntries || stated.hardState !== state.hardState) group.addState(state);
    return { state, waiting, changed, addedEntries, emptied: emptied !== null, blockedBy };
  }

  /** The state behind the last reset, with the votes of the writes before it; null without one. */
  #takeResets(before: LogState, waiting: Waiting[]): LogState | null {
    const last = this.#queue.findLastIndex(({ kind }) => kind === "reset");
    let state: LogState | null = null;
    for (const item of this.#queue.splice(0, last + 1)) {
      waiting.push(item.waiting);
      const now: LogState = state ?? before;
      if (item.kind === "reset") state = { ...now, base: item.to, lastIndex: item.to.index };
      else if (item.write.hardState !== null) state = { ...now, hardState: item.write.hardState };
    }
    return state;
  }

  #takeCompactions(now: LogState, waiting: Waiting[]): LogState {
    waiting.push(...this.#compactions);
    this.#compactions = [];
    const upTo = this.#compactTo;
    this.#compactTo = null;
    // An installed snapshot may have overtaken it.
    if (upTo === null || upTo.index <= now.base.index) return now;
    assert(upTo.index <= now.lastIndex, "a compaction of what is on disk");
    return { ...now, base: upTo };
  }
}

/** The entry that did not fit, or null. */
function addEntries(
  group: GroupPort,
  item: QueuedWrite,
  state: LogState,
  lastIndex: LogIndex,
): Entry | null {
  const { entries } = item.write;
  const [first] = entries;
  assert(
    first === undefined || item.written > 0 || first.index <= lastIndex + 1,
    "no gap in the log",
  );
  for (; item.written < entries.length; item.written++) {
    const entry = entries[item.written] as Entry;
    if (!group.add(entry, state)) return entry;
  }
  return null;
}
