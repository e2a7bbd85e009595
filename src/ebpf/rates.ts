/** From counters to rates: what happened between two readings. */

import type { StreamReading } from "./mesh-reading.ts";

export interface StreamRate {
  /** Messages the sender numbered between the two readings, as far as visible. */
  readonly expected: number;
  readonly lost: number;
  /** 0 to 1; null when nothing was expected, which is not "no loss". */
  readonly lossRatio: number | null;
}

/** Messages received once, within their sequence. */
function received(stream: StreamReading): number {
  return stream.messages - stream.duplicates - stream.strays;
}

/**
 * `before` is null when the stream is new, and is not used when it belongs to an older life of the
 * entry. A message that was lost before and came late makes the next loss smaller, never negative.
 */
export function streamRate(before: StreamReading | null, after: StreamReading): StreamRate {
  const sameLife = before !== null && before.messages <= after.messages;
  const base = sameLife ? before : { messages: 0, duplicates: 0, strays: 0, lost: 0 };
  const lost = Math.max(0, after.lost - base.lost);
  const got = received(after) - (base.messages - base.duplicates - base.strays);
  const expected = Math.max(0, got) + lost;
  return { expected, lost, lossRatio: expected === 0 ? null : lost / expected };
}

/**
 * Loss among the newest `of` (to 32) messages, those included that are overdue: a sender of which
 * nothing comes any more loses everything, though no gap shows. `intervalMs` is its pace.
 */
export function recentLoss(stream: StreamReading, intervalMs: number, of: number): StreamRate {
  // Half an interval of grace: senders jitter (batman-adv by 20 ms and more).
  const due = intervalMs > 0 ? Math.max(0, Math.floor(stream.ageMs / intervalMs - 0.5)) : 0;
  const overdue = Math.min(of, due);
  const judged = Math.min(32, stream.window, of - overdue);
  let lost = overdue;
  for (let i = 0; i < judged; i++) lost += 1 - ((stream.receivedBits >>> i) & 1);
  const expected = overdue + judged;
  return { expected, lost, lossRatio: expected === 0 ? null : lost / expected };
}

/** Per second; a counter that fell began anew, so all of it is new. */
export function perSecond(before: number, after: number, elapsedMs: number): number {
  if (elapsedMs <= 0) return 0;
  return ((after >= before ? after - before : after) * 1000) / elapsedMs;
}
