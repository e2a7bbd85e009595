/** What a bad link does to a sequence of messages, with a ledger of what it did. */

import type { Random } from "../../src/base/index.ts";

export interface Disturbed {
  /** The numbers in the order in which they arrive. */
  readonly arrivals: readonly number[];
  readonly dropped: number;
  readonly duplicated: number;
  /** Arrivals, duplicates aside, that came after a higher number. */
  readonly late: number;
}

export interface Disturbance {
  readonly count: number;
  /** The first sequence number; the numbers wrap at 2^32. */
  readonly first: number;
  readonly dropShare: number;
  readonly duplicateShare: number;
  /** By how many places a message may be displaced. */
  readonly displacement: number;
}

/** The first and the last arrive in any case: what lies outside them nobody can count. */
export function disturb(random: Random, disturbance: Disturbance): Disturbed {
  const { count, first, dropShare, duplicateShare, displacement } = disturbance;
  const chance = (share: number) => random.uint32() / 2 ** 32 < share;
  const slots: { readonly at: number; readonly order: number; readonly number: number }[] = [];
  let dropped = 0;
  let duplicated = 0;
  const place = (i: number) => {
    const shift = displacement === 0 ? 0 : random.uint32() % (displacement + 1);
    slots.push({ at: i + shift, order: slots.length, number: (first + i) >>> 0 });
  };
  for (let i = 0; i < count; i++) {
    const edge = i === 0 || i === count - 1;
    if (!edge && chance(dropShare)) {
      dropped++;
      continue;
    }
    place(i);
    if (chance(duplicateShare)) {
      duplicated++;
      place(i);
    }
  }
  slots.sort((a, b) => a.at - b.at || a.order - b.order);
  const arrivals = slots.map(({ number }) => number);
  return { arrivals, dropped, duplicated, late: lateOnes(arrivals, first) };
}

function lateOnes(arrivals: readonly number[], first: number): number {
  const seen = new Set<number>();
  let highest = -1;
  let late = 0;
  for (const number of arrivals) {
    const offset = (number - first) >>> 0;
    if (!seen.has(offset) && offset < highest) late++;
    seen.add(offset);
    highest = Math.max(highest, offset);
  }
  return late;
}
