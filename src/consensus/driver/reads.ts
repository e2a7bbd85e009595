/**
 * Reads from the caller's point of view: all of one turn and mode share one question to the core,
 * and are asked again while their time lasts, since asking twice does no harm.
 */

import { type Clock, type Fault, failed, ok, type Result } from "../../base/index.ts";
import type { RaftEvent, RequestId } from "../event.ts";
import type { ReadMode } from "../message.ts";
import { cancelled, noLeader, overloaded, passes } from "./driver-faults.ts";
import type { DriverOptions } from "./driver-options.ts";

interface Read {
  readonly mode: ReadMode;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly settle: (result: Result<void>) => void;
  lastRefusal: Fault | null;
}

export class Reads {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #options: DriverOptions;
  readonly #open = new Set<Read>();
  readonly #asked = new Map<RequestId, readonly Read[]>();
  #waiting: Read[] = [];
  #parked: Read[] = [];

  constructor(parts: { readonly clock: Clock; readonly wake: () => void }, options: DriverOptions) {
    this.#clock = parts.clock;
    this.#wake = parts.wake;
    this.#options = options;
  }

  get pending(): number {
    return this.#open.size;
  }

  read(mode: ReadMode, signal: AbortSignal | undefined): Promise<Result<void>> {
    if (signal?.aborted === true) return Promise.resolve(failed(cancelled));
    const { maxPendingReads, requestTimeoutMs } = this.#options;
    if (this.#open.size >= maxPendingReads) return Promise.resolve(failed(overloaded));
    const deadlineMs = this.#clock.monotonicMs() + requestTimeoutMs;
    return new Promise((resolve) => {
      const read: Read = {
        mode,
        deadlineMs,
        signal,
        lastRefusal: null,
        settle: (result) => {
          if (this.#open.delete(read)) resolve(result);
        },
      };
      this.#open.add(read);
      this.#waiting.push(read);
      this.#wake();
    });
  }

  offer(nextId: () => RequestId): RaftEvent[] {
    if (this.#waiting.length === 0) return [];
    const events: RaftEvent[] = [];
    for (const mode of ["linearizable", "lease"] as const) {
      const reads = this.#waiting.filter((read) => read.mode === mode && this.#open.has(read));
      if (reads.length === 0) continue;
      const id = nextId();
      this.#asked.set(id, reads);
      events.push({ kind: "read", id, mode });
    }
    this.#waiting = [];
    return events;
  }

  onReady(id: RequestId): void {
    for (const read of this.#answered(id)) read.settle(ok(undefined));
  }

  onRefused(id: RequestId, reason: Fault): boolean {
    if (!this.#asked.has(id)) return false;
    for (const read of this.#answered(id)) {
      if (!passes(reason)) read.settle(failed(reason));
      else {
        read.lastRefusal = reason;
        this.#parked.push(read);
      }
    }
    return true;
  }

  #answered(id: RequestId): readonly Read[] {
    const reads = this.#asked.get(id) ?? [];
    this.#asked.delete(id);
    return reads;
  }

  onRoute(): void {
    if (this.#parked.length === 0) return;
    this.#waiting.push(...this.#parked);
    this.#parked = [];
    this.#wake();
  }

  check(nowMs: number): void {
    for (const read of this.#open) {
      if (read.signal?.aborted === true) read.settle(failed(cancelled));
      else if (nowMs >= read.deadlineMs) read.settle(failed(read.lastRefusal ?? noLeader));
    }
    this.onRoute();
  }

  close(reason: Fault): void {
    for (const read of this.#open) read.settle(failed(reason));
    this.#waiting = [];
    this.#parked = [];
    this.#asked.clear();
  }
}
