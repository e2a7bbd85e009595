/**
 * The loop's short memory: per subject a ring of rows, one row a beat, in flat float64 columns.
 * Memory is bounded by `maxSeries * windowBeats * 8` bytes; a subject that does not fit is refused
 * and counted, a subject that is no longer recorded is forgotten after a whole window.
 */

import { assert } from "../../base/index.ts";
import type { Subject } from "../subject.ts";

/** What detectors may ask of the past. */
export interface History {
  /**
   * How much a cumulative counter grew within the last `windowMs`, counter resets allowed for
   * (a value below its predecessor starts anew from zero). Null with fewer than two samples.
   */
  increase(of: Subject, metric: string, windowMs: number): number | null;
  /** The largest sample within the last `windowMs`; null without one. */
  maximum(of: Subject, metric: string, windowMs: number): number | null;
}

/** The metrics of one kind of subject, and how each is read off its reading. */
export interface Columns<Reading> {
  readonly metrics: readonly string[];
  readonly readers: readonly ((reading: Reading) => number)[];
}

export function columns<Reading>(
  of: Record<string, (reading: Reading) => number>,
): Columns<Reading> {
  return { metrics: Object.keys(of), readers: Object.values(of) };
}

export interface TimeSeriesOptions {
  readonly windowBeats: number;
  readonly maxSeries: number;
}

interface Ring {
  readonly metrics: readonly string[];
  readonly times: Float64Array;
  /** Row-major: row * metrics.length + column. */
  readonly values: Float64Array;
  rows: number;
  /** The row that is written next. */
  next: number;
}

export class TimeSeries implements History {
  readonly #options: TimeSeriesOptions;
  readonly #rings = new Map<Subject, Ring>();
  #series = 0;
  #refused = 0;
  #nowMs = 0;

  constructor(options: TimeSeriesOptions) {
    assert(options.windowBeats >= 2, "a window of at least two beats");
    this.#options = options;
  }

  /** Adds a row. A subject keeps the columns of its first row. */
  record<Reading>(of: Subject, as: Columns<Reading>, reading: Reading, atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    const ring = this.#rings.get(of) ?? this.#open(of, as.metrics);
    if (ring === null) return;
    const width = as.readers.length;
    assert(ring.metrics.length === width, `${ring.metrics.length} metrics for ${of}`);
    ring.times[ring.next] = atMs;
    for (let column = 0; column < width; column++) {
      ring.values[ring.next * width + column] = as.readers[column]?.(reading) ?? Number.NaN;
    }
    ring.next = (ring.next + 1) % this.#options.windowBeats;
    ring.rows = Math.min(ring.rows + 1, this.#options.windowBeats);
  }

  #open(of: Subject, metrics: readonly string[]): Ring | null {
    if (this.#series + metrics.length > this.#options.maxSeries) {
      this.#refused += metrics.length;
      return null;
    }
    this.#series += metrics.length;
    const rows = this.#options.windowBeats;
    const ring: Ring = {
      metrics,
      times: new Float64Array(rows),
      values: new Float64Array(rows * metrics.length),
      rows: 0,
      next: 0,
    };
    this.#rings.set(of, ring);
    return ring;
  }

  /** Forgets the subjects whose last row is older than `olderThanMs` (monotonic). */
  forget(olderThanMs: number): void {
    for (const [of, ring] of this.#rings) {
      const last = (ring.next + this.#options.windowBeats - 1) % this.#options.windowBeats;
      if ((ring.times[last] ?? 0) >= olderThanMs) continue;
      this.#rings.delete(of);
      this.#series -= ring.metrics.length;
    }
  }

  increase(of: Subject, metric: string, windowMs: number): number | null {
    let newer: number | null = null;
    let grown: number | null = null;
    this.#backwards(of, metric, windowMs, (value) => {
      if (newer !== null) grown = (grown ?? 0) + (newer >= value ? newer - value : newer);
      newer = value;
    });
    return grown;
  }

  maximum(of: Subject, metric: string, windowMs: number): number | null {
    let largest: number | null = null;
    this.#backwards(of, metric, windowMs, (value) => {
      largest = largest === null ? value : Math.max(largest, value);
    });
    return largest;
  }

  /** Calls `visit` for each sample of the window, newest first; missing samples (NaN) are left out. */
  #backwards(of: Subject, metric: string, windowMs: number, visit: (value: number) => void): void {
    const ring = this.#rings.get(of);
    if (ring === undefined) return;
    const column = ring.metrics.indexOf(metric);
    assert(column >= 0, `${metric} to be a metric of ${of}`);
    const width = ring.metrics.length;
    const capacity = this.#options.windowBeats;
    const sinceMs = this.#nowMs - windowMs;
    for (let back = 1; back <= ring.rows; back++) {
      const row = (ring.next - back + capacity) % capacity;
      if ((ring.times[row] ?? 0) < sinceMs) return;
      const value = ring.values[row * width + column] ?? Number.NaN;
      if (!Number.isNaN(value)) visit(value);
    }
  }

  subjects(): readonly Subject[] {
    return [...this.#rings.keys()];
  }

  /** All rows of a subject, oldest first; times are monotonic milliseconds. */
  rows(of: Subject): { atMs: number[]; metrics: Record<string, number[]> } | null {
    const ring = this.#rings.get(of);
    if (ring === undefined) return null;
    const atMs: number[] = [];
    const metrics: Record<string, number[]> = {};
    for (const name of ring.metrics) metrics[name] = [];
    for (let back = ring.rows; back >= 1; back--) {
      const row = (ring.next - back + this.#options.windowBeats) % this.#options.windowBeats;
      atMs.push(ring.times[row] ?? Number.NaN);
      ring.metrics.forEach((name, column) => {
        metrics[name]?.push(ring.values[row * ring.metrics.length + column] ?? Number.NaN);
      });
    }
    return { atMs, metrics };
  }

  /** Series held now. */
  get size(): number {
    return this.#series;
  }

  /** Series refused since the start because the limit was reached. */
  get refused(): number {
    return this.#refused;
  }
}
