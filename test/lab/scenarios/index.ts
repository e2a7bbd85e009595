/** Every scenario there is. */

import { bareTriangle } from "./bare-loss.ts";
import { daemons } from "./daemons.ts";
import { faults } from "./faults.ts";
import { firstRepair, lossSeen, noticed, quiet, silentNeighbour } from "./healing.ts";
import type { Scenario } from "./scenario.ts";

export const scenarios: readonly Scenario[] = [
  bareTriangle,
  faults,
  daemons,
  firstRepair,
  silentNeighbour,
  lossSeen,
  noticed,
  quiet,
];

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new Error(`no scenario ${name}: there are ${scenarios.map((one) => one.name).join(", ")}`);
}
