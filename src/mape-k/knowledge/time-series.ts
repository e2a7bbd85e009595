/**
 * The loop's short memory: per subject a ring of rows, one row a beat, in flat float64 columns.
 * Memory is bounded by `maxSeries * windowBeats * 8` bytes; a subject that does not fit is refused
 * and counted, a subject that is no longer recorded is forgotten after a whole window.
 *
 * Counters are kept unwrapped: one that falls below its predecessor was reset and goes on from
 * there. So an increase is a subtraction, however long the window.
 */

import { assert } from "../../base/index.ts";
import type { Subject } from "../subject.ts";

/** What detectors may ask of the past. */
export interface History {
  /**
   * How much a counter grew within the last `windowMs`, resets allowed for. Null with fewer than
   * two samples in the window.
   */
  increase(of: Subject, counter: string, windowMs: number): number | null;
  /**
   * The largest sample within the last `windowMs`, and at least of the last ten beats; null without
   * one.
   */
  maximum(of: Subject, metric: string, windowMs: number): number | null;
}

type Readers<Reading> = Readonly<Record<string, (reading: Reading) => number>>;

/** The metrics of one kind of subject, counters first, and how each is read off its reading. */
export interface Columns<Reading> {
  readonly metrics: readonly string[];
  readonly counters: number;
  readonly readers: readonly ((reading: Reading) => number)[];
}

export function columns<Reading>(of: {
  /** Cumulative: only their growth means something. */
  readonly counters?: Readers<Reading>;
  /** As they stand; NaN where there is no value. */
  readonly gauges?: Readers<Reading>;
}): Columns<Reading> {
  const { counters = {}, gauges = {} } = of;
  return {
    metrics: [...Object.keys(counters), ...Object.keys(gauges)],
    counters: Object.keys(counters).length,
    readers: [...Object.values(counters), ...Object.values(gauges)],
  };
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
  /** Each counter as it was last read, and what was counted before its resets. */
  readonly read: Float64Array;
  readonly before: Float64Array;
  rows: number;
  /** The row that is written next. */
  next: number;
}

/**
 * What was seen last stays known over a stall of the process, a blind sensor and a beat of a minute,
 * however long ago it is. Enough for a symptom to be seen as often as it must be to be raised.
 */
const leastRows = 10;

export class TimeSeries implements History {
  readonly #options: TimeSeriesOptions;
  readonly #rings = new Map<Subject, Ring>();
  readonly #without = new Set<Subject>();
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
    const ring = this.#rings.get(of) ?? this.#open(of, as);
    if (ring === null) return;
    const width = as.readers.length;
    assert(ring.metrics.length === width, `${ring.metrics.length} metrics for ${of}`);
    ring.times[ring.next] = atMs;
    for (let column = 0; column < width; column++) {
      const value = as.readers[column]?.(reading) ?? Number.NaN;
      ring.values[ring.next * width + column] =
        column < as.counters ? unwrapped(ring, column, value) : value;
    }
    ring.next = (ring.next + 1) % this.#options.windowBeats;
    ring.rows = Math.min(ring.rows + 1, this.#options.windowBeats);
  }

  #open(of: Subject, { metrics, counters }: Columns<never>): Ring | null {
    if (this.#series + metrics.length > this.#options.maxSeries) {
      // Counted once, not once a beat; the set is as bounded as what one window can show.
      if (!this.#without.has(of)) this.#refused += metrics.length;
      this.#without.add(of);
      return null;
    }
    this.#series += metrics.length;
    const rows = this.#options.windowBeats;
    const ring: Ring = {
      metrics,
      times: new Float64Array(rows),
      values: new Float64Array(rows * metrics.length),
      read: new Float64Array(counters),
      before: new Float64Array(counters),
      rows: 0,
      next: 0,
    };
    this.#rings.set(of, ring);
    return ring;
  }

  /** Forgets the subjects whose last row is older than `olderThanMs` (monotonic). */
  forget(olderThanMs: number): void {
    this.#without.clear();
    for (const [of, ring] of this.#rings) {
      if ((ring.times[this.#row(ring, ring.rows - 1)] ?? 0) >= olderThanMs) continue;
      this.#rings.delete(of);
      this.#series -= ring.metrics.length;
    }
  }

  increase(of: Subject, counter: string, windowMs: number): number | null {
    const ring = this.#rings.get(of);
    if (ring === undefined) return null;
    const oldest = this.#firstSince(ring, this.#nowMs - windowMs);
    if (ring.rows - oldest < 2) return null;
    const column = columnOf(ring, counter);
    assert(column < ring.read.length, `${counter} of ${of} to be a counter`);
    const width = ring.metrics.length;
    const newestValue = ring.values[this.#row(ring, ring.rows - 1) * width + column] ?? 0;
    return newestValue - (ring.values[this.#row(ring, oldest) * width + column] ?? 0);
  }

  maximum(of: Subject, metric: string, windowMs: number): number | null {
    const ring = this.#rings.get(of);
    if (ring === undefined) return null;
    const column = columnOf(ring, metric);
    const since = this.#firstSince(ring, this.#nowMs - windowMs);
    let largest: number | null = null;
    for (let age = Math.max(0, Math.min(since, ring.rows - leastRows)); age < ring.rows; age++) {
      const value = ring.values[this.#row(ring, age) * ring.metrics.length + column] ?? Number.NaN;
      if (!Number.isNaN(value)) largest = Math.max(largest ?? value, value);
    }
    return largest;
  }

  /** The place in the ring of the `nth` row, the oldest being 0. */
  #row(ring: Ring, nth: number): number {
    const capacity = this.#options.windowBeats;
    return (ring.next - ring.rows + nth + capacity) % capacity;
  }

  /** The oldest row that is not older than `sinceMs`, by bisection: times only grow. */
  #firstSince(ring: Ring, sinceMs: number): number {
    let [from, to] = [0, ring.rows];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((ring.times[this.#row(ring, middle)] ?? 0) < sinceMs) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  subjects(): readonly Subject[] {
    return [...this.#rings.keys()];
  }

  /** All rows of a subject, oldest first; times are monotonic milliseconds, counters unwrapped. */
  rows(of: Subject): { atMs: number[]; metrics: Record<string, number[]> } | null {
    const ring = this.#rings.get(of);
    if (ring === undefined) return null;
    const places = Array.from({ length: ring.rows }, (_, nth) => this.#row(ring, nth));
    const width = ring.metrics.length;
    const column = (at: number) => places.map((row) => ring.values[row * width + at] ?? Number.NaN);
    return {
      atMs: places.map((row) => ring.times[row] ?? Number.NaN),
      metrics: Object.fromEntries(ring.metrics.map((name, at) => [name, column(at)])),
    };
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

/** Reads a counter that may have been reset, and remembers it. A missing value counts as no growth. */
function unwrapped(ring: Ring, column: number, value: number): number {
  const last = ring.read[column] ?? 0;
  const read = Number.isNaN(value) ? last : value;
  const before = (ring.before[column] ?? 0) + (ring.rows > 0 && read < last ? last : 0);
  ring.before[column] = before;
  ring.read[column] = read;
  return before + read;
}

function columnOf(ring: Ring, metric: string): number {
  const column = ring.metrics.indexOf(metric);
  assert(column >= 0, `${metric} to be one of ${ring.metrics.join(", ")}`);
  return column;
}
