/** What the configuration means to the loop. */

import type { NodeConfig } from "../config/index.ts";
import type { LoopPolicy } from "../mape-k/index.ts";
import { matchesAny } from "../mape-k/io/index.ts";

/** A burst is looked for over ten seconds, or over a few beats where they are slow. */
const burstWindowMs = 10_000;
const burstBeats = 3;

export function loopPolicy(config: NodeConfig): Omit<LoopPolicy, "actionKinds"> {
  const { repair, interfaces } = config;
  const isPattern = (name: string) => /[*?]/.test(name);
  return {
    node: config.nodeId,
    mode: config.mode,
    thresholds: {
      ...config.thresholds,
      burstWindowMs: Math.max(burstWindowMs, burstBeats * config.loop.periodMs),
      wantedInterfaces: interfaces.include.filter((name) => !isPattern(name)),
    },
    plan: { mayRepair: matchesAny(repair.interfaces), verifyMs: repair.verifyMs },
    guard: repair,
    maxSymptoms: 4_096,
    maxDecisionsPerBeat: 64,
  };
}
