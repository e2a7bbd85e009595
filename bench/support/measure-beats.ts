/** A loop as the daemon runs it, for benchmarks: so many beats over given sensors, and what they took. */

import process from "node:process";
import { silentLogger, silentTracer } from "../../src/base/index.ts";
import {
  type DecisionId,
  DecisionRecorder,
  EventFeed,
  Executor,
  Loop,
  Monitor,
  type Sensors,
  TimeSeries,
} from "../../src/mape-k/index.ts";
import { MemoryActionJournal, MemoryDecisionLog } from "../../src/mape-k/io/index.ts";
import { systemClock } from "../../src/node/index.ts";

export interface MeasuredBeats {
  readonly tookMs: number[];
  readonly latenessMs: number[];
  /** A beat, in the middle; nothing must be collected meanwhile, so give it a large nursery. */
  readonly allocatedBytes: number;
}

export interface BeatsWanted {
  /** The daemon runs for months: what its first minute costs is another question. */
  readonly warmUp: number;
  readonly measured: number;
  readonly periodMs: number;
}

export async function measureBeats(
  sensors: Sensors,
  { warmUp, measured, periodMs }: BeatsWanted,
): Promise<MeasuredBeats> {
  const tookMs: number[] = [];
  const latenessMs: number[] = [];
  const clock = systemClock;
  const logger = silentLogger;
  const log = new MemoryDecisionLog();
  const journal = new MemoryActionJournal({ capacity: 1 });
  const done = Promise.withResolvers<void>();
  let heapBefore = 0;
  let allocatedBytes = 0;
  let beats = 0;
  let id = 0;
  const loop = new Loop(
    {
      clock,
      logger,
      tracer: silentTracer,
      monitor: new Monitor({ clock, sensors }, { timeoutMs: periodMs }),
      history: new TimeSeries({ windowBeats: 120, maxSeries: 20_000 }),
      feed: new EventFeed({ clock, logger }, { capacity: 1_024 }),
      log,
      recorder: new DecisionRecorder(
        { clock, log, logger },
        { keepDecisions: 1_000, backlog: 1_000 },
      ),
      journal,
      nextId: () => String(++id).padStart(26, "0") as DecisionId,
      createExecutor: (report) =>
        new Executor({ clock, logger, actuators: [], journal, report }, { actionTimeoutMs: 1_000 }),
      onBeat(beat) {
        beats++;
        if (beats === warmUp) {
          globalThis.gc?.();
          heapBefore = process.memoryUsage().heapUsed;
        }
        if (beats > warmUp) {
          tookMs.push(beat.tookMs);
          latenessMs.push(beat.latenessMs);
        }
        if (beats < warmUp + measured) return;
        allocatedBytes = (process.memoryUsage().heapUsed - heapBefore) / measured;
        done.resolve();
      },
    },
    {
      policy: {
        node: "bench" as never,
        mode: "observe",
        thresholds: {
          wantedInterfaces: [],
          burstWindowMs: 10_000,
          flapChanges: 5,
          flapWindowMs: 30_000,
          errorRatio: 0.01,
          dropRatio: 0.05,
          targetFailures: 3,
          linkLossRatio: 0.3,
          silentIntervals: 3,
          retransmitRatio: 0.1,
          pressureRatio: 0.5,
          storageFreeRatio: 0.05,
        },
        plan: { mayRepair: () => true, verifyMs: 15_000 },
        guard: { budgetPerHour: 6, coolDownMs: 30_000, confirmMs: 900_000 },
        maxSymptoms: 4_096,
        maxDecisionsPerBeat: 64,
      },
      periodMs,
      windowBeats: 120,
    },
  );
  await loop.start();
  await done.promise;
  await loop.stop();
  return { tookMs, latenessMs, allocatedBytes };
}
