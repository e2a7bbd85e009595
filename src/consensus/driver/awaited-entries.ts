/**
 * Who waits for which entry to be applied here. Index and term name an entry: when another one is
 * applied in its place, the awaited one can never be committed, and that is known for certain.
 */

import type { Entry, LogIndex, Term } from "../log-entry.ts";

export interface Awaiter<Reply> {
  readonly term: Term;
  /** Its entry is applied; undefined for an entry that is no command. */
  onApplied(index: LogIndex, reply: Reply | undefined): void;
  /** Another entry has its place. */
  onReplaced(index: LogIndex): void;
  /** A snapshot went past it, or too much did: nobody here can tell. */
  onLost(index: LogIndex): void;
}

interface Applied<Reply> {
  readonly term: Term;
  readonly reply: Reply | undefined;
}

/** Replies kept for proposals whose place is still on its way back from the leader. */
const maxKeptReplies = 65_536;

export class AwaitedEntries<Reply> {
  readonly #awaiters = new Map<LogIndex, Awaiter<Reply>>();
  readonly #kept = new Map<LogIndex, Applied<Reply>>();
  #keepers = 0;
  #appliedIndex: LogIndex;

  constructor(appliedIndex: LogIndex) {
    this.#appliedIndex = appliedIndex;
  }

  get size(): number {
    return this.#awaiters.size;
  }

  await(index: LogIndex, awaiter: Awaiter<Reply>): void {
    if (index <= this.#appliedIndex) {
      const applied = this.#kept.get(index);
      if (applied === undefined) awaiter.onLost(index);
      else if (applied.term === awaiter.term) awaiter.onApplied(index, applied.reply);
      else awaiter.onReplaced(index);
      return;
    }
    const before = this.#awaiters.get(index);
    this.#awaiters.set(index, awaiter);
    // Ours was cut off the log by a newer leader; another node may hold it and still win.
    if (before !== undefined && before !== awaiter) before.onLost(index);
  }

  forget(index: LogIndex, awaiter: Awaiter<Reply>): void {
    if (this.#awaiters.get(index) === awaiter) this.#awaiters.delete(index);
  }

  /** From now until `release`, replies are kept for those who learn their place late. */
  keep(): void {
    this.#keepers++;
  }

  release(): void {
    this.#keepers--;
    if (this.#keepers === 0) this.#kept.clear();
  }

  /** `replies`: one per command among `entries`. */
  onApplied(entries: readonly Entry[], replies: readonly Reply[]): void {
    const last = entries[entries.length - 1];
    if (last === undefined) return;
    this.#appliedIndex = last.index;
    if (this.#awaiters.size === 0 && this.#keepers === 0) return;
    let next = 0;
    for (const { index, term, kind } of entries) {
      const reply = kind === "command" ? replies[next++] : undefined;
      if (this.#keepers > 0) this.#keepReply(index, { term, reply });
      const awaiter = this.#awaiters.get(index);
      if (awaiter === undefined) continue;
      this.#awaiters.delete(index);
      if (awaiter.term === term) awaiter.onApplied(index, reply);
      else awaiter.onReplaced(index);
    }
  }

  /** The state machine has jumped. */
  onRestored(upTo: LogIndex): void {
    this.#appliedIndex = upTo;
    this.#kept.clear();
    for (const [index, awaiter] of [...this.#awaiters]) {
      if (index > upTo) continue;
      this.#awaiters.delete(index);
      awaiter.onLost(index);
    }
  }

  #keepReply(index: LogIndex, applied: Applied<Reply>): void {
    if (this.#kept.size >= maxKeptReplies) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#kept.set(index, applied);
  }
}
