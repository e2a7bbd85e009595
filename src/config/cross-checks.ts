/** Values that are fine alone and senseless together. */

import { type ConfigFault, type ConfigSource, configFault } from "./config-fault.ts";
import type { WrittenConfig } from "./config-schema.ts";
import { writeDuration } from "./notation.ts";

/** A repair is proven by beats without its symptom: there must be room for a few. */
const beatsToVerify = 3;

export function crossChecks(
  config: WrittenConfig,
  sourceOf: (path: string) => ConfigSource,
): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const conflict = (path: string, expected: string, seen: string): void => {
    const parts = { path, source: sourceOf(path), expected, seen };
    faults.push(configFault("E_CONFIG_CONFLICT", parts));
  };
  const { loop, mesh, repair, thresholds, targets } = config;
  const leastVerify = beatsToVerify * loop.period;
  if (repair.verify < leastVerify) {
    conflict(
      "repair.verify",
      `at least ${beatsToVerify} beats (loop.period), ${writeDuration(leastVerify)}`,
      writeDuration(repair.verify),
    );
  }
  if (thresholds.flapWindow < loop.period) {
    conflict(
      "thresholds.flapWindow",
      `at least one beat (loop.period), ${writeDuration(loop.period)}`,
      writeDuration(thresholds.flapWindow),
    );
  }
  const names = new Set<string>();
  for (const [index, { name, interval, timeout }] of targets.entries()) {
    if (names.has(name)) {
      conflict(`targets[${index}]`, "a name of its own", JSON.stringify(name));
    }
    names.add(name);
    if (timeout > interval) {
      const seen = `a timeout of ${writeDuration(timeout)}`;
      conflict(
        `targets[${index}]`,
        `a timeout within the interval, ${writeDuration(interval)}`,
        seen,
      );
    }
  }
  for (const [index, seed] of mesh.discovery.seeds.entries()) {
    if (!seed.endsWith(":0")) continue;
    conflict(`mesh.discovery.seeds[${index}]`, "a port from 1 to 65535", JSON.stringify(seed));
  }
  return faults;
}
