/** What the configuration means to the loop. */

import type { NodeConfig } from "../config/index.ts";
import type { LoopPolicy } from "../mape-k/index.ts";
import { matchesAny } from "../mape-k/io/index.ts";

export function loopPolicy(config: NodeConfig): Omit<LoopPolicy, "actionKinds"> {
  const { repair, interfaces } = config;
  const isPattern = (name: string) => /[*?]/.test(name);
  return {
    node: config.nodeId,
    mode: config.mode,
    thresholds: {
      ...config.thresholds,
      wantedInterfaces: interfaces.include.filter((name) => !isPattern(name)),
    },
    plan: { mayRepair: matchesAny(repair.interfaces), verifyMs: repair.verifyMs },
    guard: repair,
    maxSymptoms: 4_096,
    maxDecisionsPerBeat: 64,
  };
}
