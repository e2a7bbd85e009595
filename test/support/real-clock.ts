/** The machine's own clock, for tests that wait for real kernels and processes. */

import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../src/base/index.ts";

export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  async sleep(delayMs, signal) {
    // Aborting is a way to wake up, not a failure: see Clock.
    await delay(delayMs, undefined, signal && { signal }).catch(() => undefined);
  },
};
