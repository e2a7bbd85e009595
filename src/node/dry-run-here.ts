/**
 * `meshmend plan --dry-run` without a daemon: a few beats of the same loop over the same sensors,
 * with nothing kept and nothing carried out.
 */

import { silentLogger, silentTracer, timeOrderedId } from "../base/index.ts";
import type { NodeConfig } from "../config/index.ts";
import {
  type ActionKind,
  type DecisionId,
  DecisionRecorder,
  type DryRun,
  EventFeed,
  Executor,
  Loop,
  Monitor,
  type Observation,
  type Symptom,
  TimeSeries,
} from "../mape-k/index.ts";
import { MemoryActionJournal, MemoryDecisionLog } from "../mape-k/io/index.ts";
import { hasCapability } from "./capabilities.ts";
import { loopPolicy } from "./loop-policy.ts";
import { openSensors } from "./open-sensors.ts";
import { systemClock } from "./system-clock.ts";
import { systemRandom } from "./system-random.ts";

export interface DryRunReport {
  readonly observation: Observation;
  readonly symptoms: readonly Symptom[];
  readonly plans: readonly DryRun[];
}

/** Takes `beats` beats of the configured period, so it takes that long. */
export async function dryRunHere(config: NodeConfig, beats: number): Promise<DryRunReport> {
  const clock = systemClock;
  const log = new MemoryDecisionLog();
  const journal = new MemoryActionJournal({ capacity: 1 });
  const history = new TimeSeries(config.loop);
  const parts = { clock, random: systemRandom, writable: () => true };
  const { sensors, start: startSensors } = openSensors(config, parts);
  const done = Promise.withResolvers<void>();
  let seen = 0;
  const loop: Loop = new Loop(
    {
      clock,
      logger: silentLogger,
      tracer: silentTracer,
      monitor: new Monitor({ clock, sensors }, { timeoutMs: config.loop.periodMs }),
      history,
      feed: new EventFeed({ clock, logger: silentLogger }, { capacity: 64 }),
      log,
      recorder: new DecisionRecorder(
        { clock, log, logger: silentLogger },
        { keepDecisions: 64, backlog: 64 },
      ),
      journal,
      nextId: () => timeOrderedId(clock.wallMs(), systemRandom) as DecisionId,
      createExecutor: (report) =>
        new Executor(
          {
            clock,
            logger: silentLogger,
            actuators: [{ kinds: possibleKinds(), apply: carriesNothingOut }],
            journal,
            report,
          },
          { actionTimeoutMs: 1_000 },
        ),
      onBeat: () => void (++seen >= beats && done.resolve()),
    },
    { ...config.loop, policy: { ...loopPolicy(config), mode: "observe" } },
  );
  startSensors();
  await loop.start();
  await done.promise;
  const observation = loop.latestObservation();
  const report = { symptoms: loop.symptoms(), plans: loop.dryRun() };
  await loop.stop();
  if (observation === null)
    throw new Error("broken invariant: expected an observation after a beat");
  return { observation, ...report };
}

/** What the daemon could carry out on this machine; so that the plan's refusals are the real ones. */
function possibleKinds(): readonly ActionKind[] {
  const interfaces: readonly ActionKind[] = ["interface-up", "interface-down", "interface-bounce"];
  return hasCapability("CAP_NET_ADMIN") === false ? ["tell"] : ["tell", ...interfaces];
}

function carriesNothingOut(): Promise<never> {
  return Promise.reject(new Error("broken invariant: expected a dry run to carry nothing out"));
}
