/**
 * One watch, as its client reads it: every event of its range from its start on, once, in order, and
 * those of one revision together unless it allows fragments. It is as slow as its reader is.
 */

import type { Clock } from "../base/index.ts";
import type { KeptEvent, WatchAnswer, WatchEvent, WatchRequest } from "./event.ts";
import { rangeOf } from "./key.ts";
import type { KeyValue } from "./request.ts";
import type { HistoryPage } from "./watch-history.ts";
import type { Subscription, WatchHub } from "./watch-hub.ts";

/** What a watcher needs of the store. */
export interface WatchSource {
  readonly compactRevision: number;
  /** Null when `from` is compacted away. */
  history(request: WatchRequest, from: number, to: number): Promise<HistoryPage | null>;
  /** What each event replaced; null where nothing did, or it is gone. */
  previous(events: readonly KeptEvent[]): Promise<readonly (KeyValue | null)[]>;
}

export interface WatcherOptions {
  readonly progressIntervalMs: number;
  /** An answer ends with the revision that exceeds one of these. */
  readonly answerEvents: number;
  readonly answerBytes: number;
}

export class Watcher {
  readonly request: WatchRequest;
  readonly #source: WatchSource;
  readonly #hub: WatchHub;
  readonly #clock: Clock;
  readonly #options: WatcherOptions;
  readonly #subscription: Subscription;
  /** The first revision that was not told yet. */
  #nextRevision: number;
  #wake: (() => void) | null = null;
  #last: WatchAnswer | null = null;

  constructor(
    parts: { readonly source: WatchSource; readonly hub: WatchHub; readonly clock: Clock },
    request: WatchRequest,
    options: WatcherOptions,
  ) {
    this.request = request;
    this.#source = parts.source;
    this.#hub = parts.hub;
    this.#clock = parts.clock;
    this.#options = options;
    const { revision } = parts.hub;
    this.#nextRevision = request.startRevision > 0 ? request.startRevision : revision + 1;
    this.#subscription = {
      range: rangeOf(request.key, request.rangeEnd),
      pendingFrom: this.#nextRevision <= revision ? this.#nextRevision : null,
      wake: () => this.#wake?.(),
    };
    parts.hub.add(this.#subscription);
  }

  /**
   * What has happened since, as soon as there is something; nothing when `signal` aborts. One call
   * at a time. Rejects when the storage cannot be read: the watcher then goes on where it was.
   */
  async next(signal: AbortSignal): Promise<readonly WatchAnswer[]> {
    while (!signal.aborted) {
      if (this.#last !== null) return [this.#last];
      const from = this.#subscription.pendingFrom;
      if (from === null) {
        if (await this.#idle(signal)) continue;
        if (!this.request.progressNotify || signal.aborted) continue;
        return [{ kind: "progress", revision: this.#hub.revision }];
      }
      const events = await this.#read(Math.max(from, this.#nextRevision));
      if (events.length > 0) return this.#answers(events);
    }
    return [];
  }

  /** The revision up to which all has been told; null while there is more to tell. */
  progress(): number | null {
    return this.#subscription.pendingFrom === null ? this.#hub.revision : null;
  }

  /** Whoever waits in `next` is told that it has ended. */
  cancel(): void {
    this.#end({ kind: "ended", revision: this.#hub.revision });
  }

  #end(last: WatchAnswer): void {
    this.#last ??= last;
    this.#hub.remove(this.#subscription);
    this.#wake?.();
  }

  /** True when woken, false when the time for a sign of progress has come. */
  async #idle(signal: AbortSignal): Promise<boolean> {
    const waiting = new AbortController();
    const abort = () => waiting.abort();
    const woken = new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(true);
      signal.addEventListener("abort", () => resolve(false), { signal: waiting.signal });
    });
    try {
      if (!this.request.progressNotify) return await woken;
      const idle = this.#clock.sleep(this.#options.progressIntervalMs, waiting.signal);
      return await Promise.race([woken, idle.then(() => false)]);
    } finally {
      this.#wake = null;
      abort();
    }
  }

  /** Events from `from` on, not all that there may be; remembers how far it came. */
  async #read(from: number): Promise<readonly WatchEvent[]> {
    const to = this.#hub.revision;
    if (from > to) {
      this.#subscription.pendingFrom = null;
      return [];
    }
    const recent = this.#hub.recentFrom(from);
    let page: HistoryPage;
    if (recent !== null) page = this.#pageOf(recent, to);
    else {
      const past = await this.#source.history(this.request, from, to);
      if (past === null) {
        const { compactRevision } = this.#source;
        this.#end({ kind: "compacted", revision: this.#hub.revision, compactRevision });
        return [];
      }
      page = past;
    }
    const wanted = page.events.filter((event) => this.#wants(event));
    const events = await this.#withPrevious(wanted);
    // Only now: had something failed above, it would be read again.
    this.#nextRevision = page.reached + 1;
    const isMore = page.reached < this.#hub.revision;
    this.#subscription.pendingFrom = isMore ? this.#nextRevision : null;
    return events;
  }

  #pageOf(recent: readonly KeptEvent[], to: number): HistoryPage {
    const { range } = this.#subscription;
    const events: KeptEvent[] = [];
    let bytes = 0;
    let revision = 0;
    const { answerEvents, answerBytes } = this.#options;
    for (const event of recent) {
      const { key, value, modRevision } = event.keyValue;
      const inside = key >= range.first && (range.end === null || key < range.end);
      if (!inside) continue;
      const full = events.length >= answerEvents || bytes >= answerBytes;
      if (full && modRevision > revision) return { events, reached: modRevision - 1 };
      revision = modRevision;
      events.push(event);
      bytes += key.length + value.length;
    }
    return { events, reached: to };
  }

  #wants({ keyValue }: KeptEvent): boolean {
    return keyValue.version === 0 ? !this.request.noDelete : !this.request.noPut;
  }

  async #withPrevious(events: readonly KeptEvent[]): Promise<readonly WatchEvent[]> {
    const ask = this.request.prevKv && events.length > 0;
    const previous = ask ? await this.#source.previous(events) : [];
    return events.map(({ keyValue }, i) => {
      const type = keyValue.version === 0 ? "delete" : "put";
      return { type, keyValue, previous: previous[i] ?? null };
    });
  }

  /** One answer, or for those who take fragments several of a bearable size. */
  #answers(events: readonly WatchEvent[]): WatchAnswer[] {
    const { revision } = this.#hub;
    if (!this.request.fragment) return [{ kind: "events", revision, events, fragment: false }];
    const parts: WatchEvent[][] = [[]];
    let bytes = 0;
    for (const event of events) {
      const { keyValue, previous } = event;
      const size = keyValue.key.length + keyValue.value.length + (previous?.value.length ?? 0);
      if (bytes > 0 && bytes + size > this.#options.answerBytes) {
        parts.push([]);
        bytes = 0;
      }
      parts.at(-1)?.push(event);
      bytes += size;
    }
    return parts.map((part, i) => {
      return { kind: "events", revision, events: part, fragment: i < parts.length - 1 };
    });
  }
}
