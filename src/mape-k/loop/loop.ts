/**
 * Drives the loop: beat after beat it observes, steps, and hands the effects to those who carry them
 * out. What happens in between waits in a bounded inbox for the next beat. The beat keeps a fixed
 * rate; one that comes a whole period late is left out and counted, never caught up in a burst.
 */

import {
  BoundedQueue,
  type Clock,
  type Fault,
  failed,
  fault,
  type Health,
  type HealthSource,
  healthy,
  type Logger,
  messageOf,
  ok,
  type Result,
  type Span,
  type Tracer,
} from "../../base/index.ts";
import { isDisruptive } from "../action.ts";
import { type Decision, type DecisionId, isClosed, type Mode } from "../decision.ts";
import type { NumberedEvent } from "../event.ts";
import type { ActionJournal } from "../execute/action-journal.ts";
import type { Executor } from "../execute/executor.ts";
import { admit } from "../guard/guard.ts";
import type { DecisionLog, DecisionQuery } from "../knowledge/decision-log.ts";
import type { DecisionRecorder } from "../knowledge/decision-recorder.ts";
import type { EventFeed } from "../knowledge/event-feed.ts";
import { recordObservation } from "../knowledge/record-observation.ts";
import type { TimeSeries } from "../knowledge/time-series.ts";
import type { Monitor } from "../monitor/monitor.ts";
import type { Observation } from "../observation.ts";
import { planRepair, planSubjects } from "../plan/plan-repair.ts";
import type { Subject } from "../subject.ts";
import type { Symptom } from "../symptom.ts";
import { freshState, type LoopPolicy, type LoopState } from "./loop-state.ts";
import type { BeatStatistics, DryRun, LoopView, SeriesSlice } from "./loop-view.ts";
import { type LoopEffect, type LoopInput, step } from "./step.ts";

export type Phase = "monitor" | "knowledge" | "analyze" | "plan" | "guard" | "execute";

export interface LoopParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly monitor: Monitor;
  readonly history: TimeSeries;
  readonly feed: EventFeed;
  readonly log: DecisionLog;
  readonly recorder: DecisionRecorder;
  readonly journal: ActionJournal;
  readonly nextId: () => DecisionId;
  /** The executor reports into the loop's inbox, so it is built around it. */
  readonly createExecutor: (report: (input: LoopInput) => void) => Executor;
  readonly onPhase?: (phase: Phase, tookMs: number) => void;
  readonly onBeat?: (beat: { tookMs: number; latenessMs: number; missed: number }) => void;
}

export interface LoopOptions {
  readonly policy: Omit<LoopPolicy, "actionKinds">;
  readonly periodMs: number;
  readonly windowBeats: number;
}

const inboxCapacity = 1024;
/** How many past decisions are read at start to know what was repaired within the last hour. */
const pastDecisions = 256;
const hourMs = 3_600_000;

export class Loop implements LoopView {
  readonly #parts: LoopParts;
  readonly #options: LoopOptions;
  readonly #executor: Executor;
  readonly #policy: LoopPolicy;
  readonly #inbox = new BoundedQueue<LoopInput>(inboxCapacity);
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #state: LoopState = freshState;
  #observation: Observation | null = null;
  #beats = 0;
  #missed = 0;
  #lastTookMs = 0;

  constructor(parts: LoopParts, options: LoopOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#executor = parts.createExecutor((input) => this.#receive(input));
    this.#policy = { ...options.policy, actionKinds: this.#executor.actionKinds };
  }

  /** Takes up what the last process left open, then begins to beat. */
  async start(): Promise<void> {
    await this.#restoreGuard();
    const open = await this.#parts.journal.recover();
    if (open.ok) {
      const decisions = open.value.map(({ decision }) => decision);
      for (const decision of decisions) {
        const { id, phase, plan } = decision;
        this.#parts.logger.warn("found an open action", { id, phase, reason: plan.reason });
      }
      this.#step({ kind: "recovered", decisions });
    } else {
      this.#parts.logger.error("crash journal", { fault: open.fault });
      this.#step({ kind: "journal", ready: false });
    }
    this.#running = this.#beatOnAndOn();
  }

  /** Ends the beat, then the action under way; writes what is known. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#executor.stop();
    await this.#parts.recorder.stop();
    await this.#parts.monitor.close();
  }

  /** What was repaired before the restart still counts against budget and cool-down. */
  async #restoreGuard(): Promise<void> {
    const { clock, log, logger } = this.#parts;
    const past = await log.list({ limit: pastDecisions });
    if (!past.ok) {
      logger.warn("past decisions cannot be read", { fault: past.fault });
      return;
    }
    const repairs = past.value
      .filter(
        ({ admission, plan }) => admission.kind === "admitted" && plan.actions.some(isDisruptive),
      )
      .map(({ plan, madeWallMs }) => ({ plan, agoMs: Math.max(0, clock.wallMs() - madeWallMs) }))
      .filter(({ agoMs }) => agoMs < hourMs)
      .toReversed()
      .flatMap(({ plan, agoMs }) =>
        planSubjects(plan).map((subject) => ({ atMs: clock.monotonicMs() - agoMs, subject })),
      );
    this.#state = { ...this.#state, guard: { repairs } };
  }

  async #beatOnAndOn(): Promise<void> {
    const { clock } = this.#parts;
    const { periodMs } = this.#options;
    let dueMs = clock.monotonicMs();
    while (!this.#stopping.signal.aborted) {
      const latenessMs = Math.max(0, clock.monotonicMs() - dueMs);
      const missed = Math.floor(latenessMs / periodMs);
      this.#missed += missed;
      dueMs += missed * periodMs;
      await this.#beat(latenessMs, missed);
      dueMs += periodMs;
      await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), this.#stopping.signal);
    }
  }

  async #beat(latenessMs: number, missed: number): Promise<void> {
    const { clock, tracer, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    const beat = ++this.#beats;
    const span = tracer.start("mape-k.beat", { beat });
    try {
      const stopwatch = new PhaseStopwatch(this.#parts, span);
      const observation = await this.#parts.monitor.observe(beat, this.#stopping.signal);
      stopwatch.lap("monitor");
      if (this.#stopping.signal.aborted) return;
      this.#remember(observation);
      stopwatch.lap("knowledge");
      const waiting = this.#inbox.drain().map((input) => this.#pureStep(input, stopwatch));
      const observed = { kind: "observed" as const, observation, history: this.#parts.history };
      const effects = [...waiting.flat(), ...this.#pureStep(observed, stopwatch)];
      for (const effect of effects) this.#perform(effect);
      stopwatch.lap("execute");
    } catch (thrown) {
      // A bug in a detector must not end the watch over the mesh: it is loud, and the beat goes on.
      logger.error("the beat failed", {
        beat,
        error: thrown instanceof Error ? thrown.stack : messageOf(thrown),
      });
    } finally {
      span.end();
      this.#lastTookMs = clock.monotonicMs() - startedMs;
      this.#parts.onBeat?.({ tookMs: this.#lastTookMs, latenessMs, missed });
    }
  }

  #remember(observation: Observation): void {
    this.#observation = observation;
    recordObservation(this.#parts.history, observation);
    const { periodMs, windowBeats } = this.#options;
    if (observation.beat % windowBeats === 0) {
      this.#parts.history.forget(observation.atMs - periodMs * windowBeats);
    }
  }

  #receive(input: LoopInput): void {
    if (!this.#inbox.offer(input))
      this.#parts.logger.error("the loop's inbox is full", { input: input.kind });
  }

  #pureStep(input: LoopInput, stopwatch?: PhaseStopwatch): readonly LoopEffect[] {
    const { clock, nextId } = this.#parts;
    const now = { atMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    const onPhase = (phase: Phase) => stopwatch?.lap(phase);
    const { state, effects } = step(this.#state, input, now, {
      policy: this.#policy,
      nextId,
      onPhase,
    });
    this.#state = state;
    return effects;
  }

  #step(input: LoopInput): void {
    for (const effect of this.#pureStep(input)) this.#perform(effect);
  }

  #perform(effect: LoopEffect): void {
    switch (effect.kind) {
      case "announce":
        this.#parts.feed.publish(effect.event);
        break;
      case "record":
        this.#parts.recorder.record(effect.decision);
        if (effect.decision.phase === "verifying") this.#executor.note(effect.decision);
        break;
      case "apply":
        this.#executor.apply(effect.decision);
        break;
      case "undo":
        this.#executor.undo(effect.decision);
        break;
      case "close":
        this.#executor.close(effect.decision);
        break;
    }
  }

  // What the faces see.

  get mode(): Mode {
    return this.#policy.mode;
  }

  statistics(): BeatStatistics {
    return {
      beats: this.#beats,
      missed: this.#missed,
      periodMs: this.#options.periodMs,
      lastDurationMs: this.#lastTookMs,
    };
  }

  latestObservation(): Observation | null {
    return this.#observation;
  }

  seriesSubjects(): readonly Subject[] {
    return this.#parts.history.subjects();
  }

  series(of: string): SeriesSlice | null {
    const rows = this.#parts.history.rows(of as Subject);
    if (rows === null) return null;
    const { clock } = this.#parts;
    const wallAtZeroMs = clock.wallMs() - clock.monotonicMs();
    const wallMs = rows.atMs.map((atMs) => Math.round(wallAtZeroMs + atMs));
    return { subject: of as Subject, wallMs, metrics: rows.metrics };
  }

  symptoms(): readonly Symptom[] {
    return [...this.#state.tracks.values()].flatMap(({ symptom }) => symptom ?? []);
  }

  dryRun(): readonly DryRun[] {
    const observation = this.#observation;
    if (observation === null) return [];
    return this.symptoms().map((symptom) => {
      const plan = planRepair(symptom, observation, this.#policy.plan);
      const kinds = [...plan.actions, ...plan.undo].map(({ kind }) => kind);
      const admission = admit(
        plan,
        this.#state.guard,
        {
          mode: "act",
          atMs: this.#parts.clock.monotonicMs(),
          wallMs: this.#parts.clock.wallMs(),
          observation,
          underWay: this.#state.repairs.size > 0,
          journalReady: this.#state.journalReady,
          hasActuators: kinds.every((kind) => this.#policy.actionKinds.has(kind)),
        },
        this.#policy.guard,
      );
      const refusal =
        admission.kind === "refused" ? `${admission.code}: ${admission.reason}` : null;
      return { symptom, plan, admitted: refusal === null, refusal };
    });
  }

  async decisions(query: { limit: number; before?: string }): Promise<Result<readonly Decision[]>> {
    const kept = await this.#parts.log.list(query as DecisionQuery);
    if (!kept.ok) return kept;
    return ok(kept.value.map((decision) => this.#open(decision.id) ?? decision));
  }

  async decision(id: string): Promise<Result<Decision | null>> {
    const open = this.#open(id);
    return open === null ? this.#parts.log.get(id as DecisionId) : ok(open);
  }

  #open(id: string): Decision | null {
    return this.#state.repairs.get(id as DecisionId)?.decision ?? null;
  }

  confirm(
    id: string,
    approve: boolean,
  ): Result<void, Fault<"E_NO_SUCH_DECISION" | "E_NOT_WAITING" | "E_BUSY">> {
    const decision = this.#open(id);
    if (decision === null || isClosed(decision)) {
      return failed(fault("E_NO_SUCH_DECISION", `no open decision ${id}`));
    }
    if (decision.phase !== "waiting") {
      return failed(fault("E_NOT_WAITING", `decision ${id} is ${decision.phase} already`));
    }
    if (!this.#inbox.offer({ kind: "confirmed", id: decision.id, approve })) {
      return failed(fault("E_BUSY", "the loop's inbox is full; try again"));
    }
    return ok(undefined);
  }

  eventsAfter(sequence: number): readonly NumberedEvent[] {
    return this.#parts.feed.after(sequence);
  }

  onEvent(listener: (event: NumberedEvent) => void): () => void {
    return this.#parts.feed.listen(listener);
  }

  get inboxDropped(): number {
    return this.#inbox.dropped;
  }

  health(): Health {
    const { periodMs } = this.#options;
    const last = this.#observation;
    if (last === null) return { state: "degraded", reason: "no beat yet" };
    const agoMs = this.#parts.clock.monotonicMs() - last.atMs;
    if (agoMs > 5 * periodMs) {
      const reason = `the last beat was ${Math.round(agoMs)} ms ago; the period is ${periodMs} ms`;
      return { state: "failed", reason, remedy: "see the log; the machine may be overloaded" };
    }
    return healthy(`beat ${last.beat}, every ${periodMs} ms`);
  }

  /** One entry a sensor, as of the last beat. What the machine does not support is no failure. */
  sensorHealth(): readonly HealthSource[] {
    const faults = new Map(this.#observation?.faults.map(({ sensor, fault }) => [sensor, fault]));
    return this.#parts.monitor.sensors.map((sensor) => ({
      component: `sensor-${sensor}`,
      health(): Health {
        const fault = faults.get(sensor);
        if (fault === undefined) return healthy("delivers");
        const state = fault.code === "E_NOT_SUPPORTED" ? "ok" : "degraded";
        const { message: reason, remedy } = fault;
        return remedy === undefined ? { state, reason } : { state, reason, remedy };
      },
    }));
  }

  journalHealth(): Health {
    if (this.#state.journalReady) return healthy("open actions survive a crash");
    return {
      state: "degraded",
      reason: "the crash journal cannot be written; nothing disruptive is done meanwhile",
      remedy: "free space in the data directory, or make it writable",
    };
  }
}

/** Times the phases of one beat, each as a span and a measurement. */
class PhaseStopwatch {
  readonly #parts: LoopParts;
  readonly #span: Span;
  #sinceMs: number;

  constructor(parts: LoopParts, span: Span) {
    this.#parts = parts;
    this.#span = span;
    this.#sinceMs = parts.clock.monotonicMs();
  }

  lap(phase: Phase): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#parts.onPhase?.(phase, nowMs - this.#sinceMs);
    this.#span.lap(`mape-k.${phase}`, nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
  }
}
