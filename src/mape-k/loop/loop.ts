/**
 * Drives the loop: beat after beat it observes, steps, and hands the effects to those who carry them
 * out. What happens in between waits in a bounded inbox for the next beat; when that is, beat-pacer.ts
 * knows.
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
  type Tracer,
} from "../../base/index.ts";
import { type Decision, type DecisionId, isClosed, isInForce, type Mode } from "../decision.ts";
import type { NumberedEvent } from "../event.ts";
import type { ActionJournal } from "../execute/action-journal.ts";
import type { Executor } from "../execute/executor.ts";
import type { Now } from "../execute/repair-state.ts";
import type { DecisionLog, DecisionQuery } from "../knowledge/decision-log.ts";
import type { DecisionRecorder } from "../knowledge/decision-recorder.ts";
import type { EventFeed } from "../knowledge/event-feed.ts";
import { recordObservation } from "../knowledge/record-observation.ts";
import type { TimeSeries } from "../knowledge/time-series.ts";
import type { Monitor } from "../monitor/monitor.ts";
import type { Observation } from "../observation.ts";
import type { Subject } from "../subject.ts";
import type { Symptom } from "../symptom.ts";
import { BeatPacer } from "./beat-pacer.ts";
import { dryRun } from "./dry-run.ts";
import { freshState, type LoopPolicy, type LoopState } from "./loop-state.ts";
import type { BeatStatistics, DryRun, LoopView, SeriesSlice } from "./loop-view.ts";
import { closeAbandoned, isRecent, restoredGuard, standingIn } from "./past.ts";
import { type Phase, PhaseStopwatch } from "./phase-stopwatch.ts";
import { type LoopEffect, type LoopInput, step } from "./step.ts";

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
/** The past is read in pages, and no further than this, to know what was repaired of late. */
const pageOfPast = 256;
const mostPast = 4_096;
/** While the crash journal cannot be read, it is tried again after so many beats. */
const beatsBetweenRecoveries = 10;

export class Loop implements LoopView {
  readonly #parts: LoopParts;
  readonly #options: LoopOptions;
  readonly #executor: Executor;
  readonly #policy: LoopPolicy;
  readonly #inbox = new BoundedQueue<LoopInput>(inboxCapacity);
  readonly #stopping = new AbortController();
  readonly #pacer: BeatPacer;
  #running: Promise<void> = Promise.resolve();
  #state: LoopState = freshState;
  #observation: Observation | null = null;
  #beats = 0;
  #missed = 0;
  #lastTookMs = 0;
  #recovered = false;
  /** Decisions a person answered since the last beat: one answer each, so that none crowds the inbox. */
  readonly #answered = new Set<DecisionId>();

  constructor(parts: LoopParts, options: LoopOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pacer = new BeatPacer(parts, options);
    this.#executor = parts.createExecutor((input) => this.#receive(input));
    this.#policy = { ...options.policy, actionKinds: this.#executor.actionKinds };
  }

  /** Takes up what the last process left open, then begins to beat. */
  async start(): Promise<void> {
    const past = await this.#readPast();
    this.#state = { ...this.#state, guard: restoredGuard(past, this.#now()) };
    await this.#recover(past);
    this.#running = this.#beatOnAndOn();
  }

  /** There is news that the next beat need not wait for its turn with; see beat-pacer.ts. */
  hasten(): void {
    this.#pacer.hasten();
  }

  /** Ends the beat, then the action under way; writes what is known. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#executor.stop();
    await this.#parts.recorder.stop();
    await this.#parts.monitor.close();
  }

  /** The decisions of the last hour and a little more, newest first. */
  async #readPast(): Promise<readonly Decision[]> {
    const { log, logger } = this.#parts;
    const past: Decision[] = [];
    while (past.length < mostPast) {
      const last = past.at(-1);
      const before = last === undefined ? {} : { before: last.id };
      const page = await log.list({ limit: pageOfPast, ...before });
      if (!page.ok) {
        logger.warn("past decisions cannot be read", { fault: page.fault });
        break;
      }
      past.push(...page.value);
      const oldest = page.value.at(-1);
      if (oldest === undefined || !isRecent(oldest, this.#now())) break;
    }
    return past;
  }

  /** What stands in the crash journal was under way; what does not, and is open, had not begun. */
  async #recover(past: readonly Decision[]): Promise<void> {
    const { journal, logger, recorder } = this.#parts;
    const open = await journal.recover();
    this.#recovered = open.ok;
    if (!open.ok) {
      logger.error("the crash journal cannot be read", { fault: open.fault });
      this.#step({ kind: "journal", ready: false });
      return;
    }
    const journalled = open.value.map(({ decision }) => decision);
    const ids = new Set(journalled.map(({ id }) => id));
    const decisions = [...journalled, ...standingIn(past, ids)];
    for (const { id, phase, plan } of decisions) {
      logger.warn("found an open action", { id, phase, reason: plan.reason });
    }
    for (const decision of closeAbandoned(past, ids, this.#now())) recorder.record(decision);
    this.#step({ kind: "journal", ready: true });
    this.#step({ kind: "recovered", decisions });
  }

  async #beatOnAndOn(): Promise<void> {
    for (;;) {
      const { latenessMs, missed } = await this.#pacer.next(this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      this.#missed += missed;
      await this.#beat(latenessMs, missed);
    }
  }

  async #beat(latenessMs: number, missed: number): Promise<void> {
    const { clock, tracer } = this.#parts;
    const startedMs = clock.monotonicMs();
    const beat = ++this.#beats;
    const span = tracer.start("mape-k.beat", { beat });
    const stopwatch = new PhaseStopwatch(this.#parts, span);
    const observation = await this.#parts.monitor.observe(beat, this.#stopping.signal);
    stopwatch.lap("monitor");
    if (!this.#stopping.signal.aborted) {
      if (!this.#recovered && beat % beatsBetweenRecoveries === 0) void this.#recover([]);
      // What the world reported comes first, each by itself: a repair waits for it.
      for (const input of this.#inbox.drain()) this.#sheltered(() => this.#step(input, stopwatch));
      this.#answered.clear();
      this.#sheltered(() => {
        this.#remember(observation);
        stopwatch.lap("knowledge");
        this.#step({ kind: "observed", observation, history: this.#parts.history }, stopwatch);
        stopwatch.lap("execute");
      });
    }
    span.end();
    this.#lastTookMs = clock.monotonicMs() - startedMs;
    const measured = { tookMs: this.#lastTookMs, latenessMs, missed };
    this.#sheltered(() => this.#parts.onBeat?.(measured));
  }

  /** A bug in a detector must not end the watch over the mesh: it is loud, and the beat goes on. */
  #sheltered(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.stack : messageOf(thrown);
      this.#parts.logger.error("the beat failed", { beat: this.#beats, error });
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

  #step(input: LoopInput, stopwatch?: PhaseStopwatch): void {
    const { nextId } = this.#parts;
    const onPhase = (phase: Phase) => stopwatch?.lap(phase);
    const parts = { policy: this.#policy, nextId, onPhase };
    const { state, effects } = step(this.#state, input, this.#now(), parts);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #now(): Now {
    return { atMs: this.#parts.clock.monotonicMs(), wallMs: this.#parts.clock.wallMs() };
  }

  #perform(effect: LoopEffect): void {
    switch (effect.kind) {
      case "announce":
        this.#parts.feed.publish(effect.event);
        break;
      case "record":
        this.#parts.recorder.record(effect.decision);
        if (isInForce(effect.decision)) this.#executor.note(effect.decision);
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
    return this.#observation === null
      ? []
      : dryRun(this.#state, this.symptoms(), this.#observation, this.#policy, this.#now());
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
    if (this.#answered.has(decision.id)) {
      return failed(fault("E_NOT_WAITING", `decision ${id} was answered within this beat`));
    }
    this.#answered.add(decision.id);
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

  /** Standing repairs in force. */
  get repairsHeld(): number {
    return [...this.#state.repairs.values()].filter(({ decision }) => decision.phase === "holding")
      .length;
  }

  get inboxDropped(): number {
    return this.#inbox.dropped;
  }

  get findingsDropped(): number {
    return this.#state.droppedFindings;
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
