/**
 * Who watches what, and what happened lately. Recent events are kept once for all, up to a limit; a
 * watcher is only a place in the sequence of revisions. One that falls behind what is kept reads on
 * in the store's history, so that a slow one costs nothing, loses nothing, and sees nothing out of
 * order.
 */

import type { Change } from "./apply-command.ts";
import type { KeptEvent } from "./event.ts";
import { inRange, type Key, type KeyRange } from "./key.ts";
import { heldValue, keyValueOf } from "./key-index.ts";

export interface HubOptions {
  readonly recentEvents: number;
  readonly recentBytes: number;
}

export interface Subscription {
  readonly range: KeyRange;
  /** The first revision that it may not have been told all of; null when it has been told all. */
  pendingFrom: number | null;
  wake(): void;
}

export class WatchHub {
  readonly #options: HubOptions;
  readonly #byKey = new Map<Key, Set<Subscription>>();
  readonly #byRange = new Set<Subscription>();
  #recent: KeptEvent[] = [];
  #recentBytes = 0;
  /** Every event from this revision on is among the recent ones. */
  #recentFrom: number;
  #revision: number;

  constructor(options: HubOptions, revision: number) {
    this.#options = options;
    this.#revision = revision;
    this.#recentFrom = revision + 1;
  }

  get watchers(): number {
    let count = this.#byRange.size;
    for (const all of this.#byKey.values()) count += all.size;
    return count;
  }

  /** Watchers that are behind what is kept in memory. */
  get slowWatchers(): number {
    let count = 0;
    for (const { pendingFrom } of this.#all()) {
      if (pendingFrom !== null && pendingFrom < this.#recentFrom) count++;
    }
    return count;
  }

  /** The last published revision. */
  get revision(): number {
    return this.#revision;
  }

  add(subscription: Subscription): void {
    const { first, end } = subscription.range;
    if (end !== `${first}\0`) {
      this.#byRange.add(subscription);
      return;
    }
    const others = this.#byKey.get(first);
    if (others === undefined) this.#byKey.set(first, new Set([subscription]));
    else others.add(subscription);
  }

  remove(subscription: Subscription): void {
    this.#byRange.delete(subscription);
    const { first } = subscription.range;
    const others = this.#byKey.get(first);
    others?.delete(subscription);
    if (others?.size === 0) this.#byKey.delete(first);
  }

  /** The store has reached `revision` by these changes, stored and in order. */
  publish(changes: readonly Change[], revision: number): void {
    for (const { key, version } of changes) {
      const keyValue = keyValueOf(key, version, heldValue(version));
      this.#recent.push({ id: version, keyValue });
      this.#recentBytes += key.length + version.valueBytes;
    }
    this.#forgetOldest();
    this.#revision = revision;
    for (const { key, version } of changes) {
      for (const each of this.#byKey.get(key) ?? []) this.#notify(each, version.modRevision);
      for (const each of this.#byRange) {
        if (inRange(each.range, key)) this.#notify(each, version.modRevision);
      }
    }
  }

  /** The store was replaced by a later state of itself: what happened between is in its history. */
  jump(revision: number): void {
    const before = this.#revision;
    this.#recent = [];
    this.#recentBytes = 0;
    this.#recentFrom = revision + 1;
    this.#revision = revision;
    for (const each of this.#all()) this.#notify(each, before + 1);
  }

  /** Null when they are not all kept any more. */
  recentFrom(revision: number): readonly KeptEvent[] | null {
    if (revision < this.#recentFrom) return null;
    let low = 0;
    let high = this.#recent.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#recent[middle] as KeptEvent).id.modRevision < revision) low = middle + 1;
      else high = middle;
    }
    return this.#recent.slice(low);
  }

  #notify(subscription: Subscription, revision: number): void {
    if (subscription.pendingFrom !== null) return;
    subscription.pendingFrom = revision;
    subscription.wake();
  }

  /** In strides of a quarter, and whole revisions: half of one is of no use. */
  #forgetOldest(): void {
    const { recentEvents, recentBytes } = this.#options;
    if (this.#recent.length <= recentEvents && this.#recentBytes <= recentBytes) return;
    let gone = 0;
    for (const { id, keyValue } of this.#recent) {
      const fewEnough = this.#recent.length - gone <= 0.75 * recentEvents;
      const smallEnough = this.#recentBytes <= 0.75 * recentBytes;
      if (fewEnough && smallEnough && id.modRevision >= this.#recentFrom) break;
      this.#recentBytes -= keyValue.key.length + keyValue.value.length;
      this.#recentFrom = id.modRevision + 1;
      gone++;
    }
    this.#recent = this.#recent.slice(gone);
  }

  *#all(): Generator<Subscription> {
    yield* this.#byRange;
    for (const all of this.#byKey.values()) yield* all;
  }
}
