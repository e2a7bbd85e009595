/** How long to wait before a connection is tried again. Jitter keeps a group from returning at once. */

import type { Random } from "../../base/index.ts";

export interface BackoffOptions {
  /** After the first failure; doubles with each further one. */
  readonly reconnectMs: number;
  readonly maxReconnectMs: number;
  /** After a refusal, which waiting does not cure. */
  readonly refusedRetryMs: number;
}

/** Between half of the nominal time and all of it, in milliseconds. */
export function backoffMs(
  failures: number,
  refused: boolean,
  { reconnectMs, maxReconnectMs, refusedRetryMs }: BackoffOptions,
  random: Random,
): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30);
  const nominal = refused ? refusedRetryMs : Math.min(maxReconnectMs, reconnectMs * 2 ** doublings);
  return nominal * (0.5 + random.uint32() / 2 ** 33);
}
