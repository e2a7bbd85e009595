/**
 * The log as the core sees it: every entry since the last compaction in memory, and how far the
 * disk has followed. Owned and mutable, so that appending copies nothing. Knows the delicate part:
 * a write that was overtaken by a truncation must not count as durable when its token arrives.
 */

import { assert } from "../base/index.ts";
import {
  asTerm,
  beforeTheLog,
  type Entry,
  entryBytes,
  type LogIndex,
  type LogPosition,
  type Term,
} from "./log-entry.ts";

interface Write {
  readonly token: number;
  /** The last index it makes durable; lowered when a truncation overtakes it. */
  lastIndex: LogIndex;
}

export class LogView {
  /** Live entries are `#entries[#head...]`; the dead ones before are dropped now and then. */
  #entries: Entry[] = [];
  #head = 0;
  #base: LogPosition = beforeTheLog;
  #durableIndex: LogIndex = 0;
  #unsavedFrom: LogIndex = 1;
  #writes: Write[] = [];
  #bytes = 0;

  /** `entries` follow `base` and are on disk. */
  constructor(base: LogPosition, entries: readonly Entry[]) {
    this.#base = base;
    this.append(entries);
    this.#durableIndex = this.lastIndex;
    this.#unsavedFrom = this.lastIndex + 1;
  }

  /** The position just before the first entry; everything up to it is compacted away. */
  get base(): LogPosition {
    return this.#base;
  }

  get lastIndex(): LogIndex {
    return this.#base.index + this.#entries.length - this.#head;
  }

  get last(): LogPosition {
    return this.#entries.length > this.#head
      ? (this.#entries[this.#entries.length - 1] as Entry)
      : this.#base;
  }

  /** Everything up to here is on disk. */
  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** The weight of all entries held. */
  get bytes(): number {
    return this.#bytes;
  }

  entryAt(index: LogIndex): Entry | null {
    return this.#entries[this.#head + index - this.#base.index - 1] ?? null;
  }

  /** Null when `index` is compacted away or beyond the end. */
  termAt(index: LogIndex): Term | null {
    if (index === this.#base.index) return this.#base.term;
    if (index < this.#base.index || index > this.lastIndex) return null;
    return this.entryAt(index)?.term ?? null;
  }

  holds(position: LogPosition): boolean {
    return this.termAt(position.index) === position.term;
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, "entries without a gap");
      this.#entries.push(entry);
      this.#bytes += entryBytes(entry);
    }
  }

  /** Drops everything at and after `index`, in memory; the disk follows with the next write. */
  truncateFrom(index: LogIndex): void {
    assert(index > this.#base.index, "a truncation behind the compacted part");
    const keep = this.#head + index - this.#base.index - 1;
    for (let at = keep; at < this.#entries.length; at++) {
      this.#bytes -= entryBytes(this.#entries[at] as Entry);
    }
    this.#entries.length = keep;
    this.#durableIndex = Math.min(this.#durableIndex, index - 1);
    this.#unsavedFrom = Math.min(this.#unsavedFrom, index);
    // These writes may still be on their way; by the time their tokens arrive, what they wrote at
    // and after `index` is about to be overwritten and must not be acknowledged.
    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, index - 1);
  }

  /** Entries after `after`, at least one if there is any, within both limits. */
  slice(after: LogIndex, maxBytes: number, maxEntries: number): Entry[] {
    const start = this.#head + after - this.#base.index;
    assert(start >= this.#head, "entries that are not compacted away");
    const limit = Math.min(this.#entries.length, start + maxEntries);
    let end = start;
    for (let bytes = 0; end < limit; end++) {
      bytes += entryBytes(this.#entries[end] as Entry);
      if (bytes > maxBytes && end > start) break;
    }
    return this.#entries.slice(start, end);
  }

  /**
   * The last position at or before `index` whose term is at most `term`: where two logs that
   * differ at `index` may still agree. One answer skips a whole term (dissertation, section 3.5,
   * last paragraph; the two-sided form is etcd-io/raft's).
   */
  lastPositionWithin(index: LogIndex, term: Term): LogPosition {
    for (let at = Math.min(index, this.lastIndex); at > this.#base.index; at--) {
      const entry = this.entryAt(at);
      if (entry !== null && entry.term <= term) return { index: at, term: entry.term };
    }
    // What is compacted away was committed, so it agrees with any leader's log.
    return this.#base.index <= index
      ? this.#base
      : { index, term: asTerm(Math.min(term, this.#base.term)) };
  }

  /** The entries to write next, and notes that `token` will make them durable. */
  takeUnsaved(token: number): Entry[] {
    const entries = this.#entries.slice(this.#head + this.#unsavedFrom - this.#base.index - 1);
    this.#unsavedFrom = this.lastIndex + 1;
    if (entries.length > 0) this.#writes.push({ token, lastIndex: this.lastIndex });
    return entries;
  }

  get hasUnsaved(): boolean {
    return this.#unsavedFrom <= this.lastIndex;
  }

  /** The disk confirmed every write up to `token`. */
  persisted(token: number): void {
    let confirmed = 0;
    for (const write of this.#writes) {
      if (write.token > token) break;
      this.#durableIndex = Math.max(this.#durableIndex, write.lastIndex);
      confirmed++;
    }
    this.#writes.splice(0, confirmed);
  }

  /** Forgets everything up to `index`. Amortized: the array is rebuilt once half of it is dead. */
  compactTo(index: LogIndex): void {
    const term = this.termAt(index);
    assert(term !== null, "a compaction inside the log");
    assert(index <= this.#durableIndex, "a compaction of what is on disk");
    for (let at = this.#base.index + 1; at <= index; at++) {
      this.#bytes -= entryBytes(this.entryAt(at) as Entry);
    }
    this.#head += index - this.#base.index;
    this.#base = { index, term };
    if (this.#head > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Starts over after an installed snapshot. */
  resetTo(base: LogPosition): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#base = { index: base.index, term: base.term };
    this.#durableIndex = base.index;
    this.#unsavedFrom = base.index + 1;
    this.#writes = [];
  }
}
