/**
 * What the loop shows to the faces (HTTP, CLI): the present from memory, the past from disk.
 * The faces declare the part of it they need; this is the whole. Names come as plain text here:
 * whoever asks is a stranger, and an unknown name is simply not found.
 */

import type { Fault, Result } from "../../base/index.ts";
import type { Decision, Mode, Plan } from "../decision.ts";
import type { NumberedEvent } from "../event.ts";
import type { Observation } from "../observation.ts";
import type { Subject } from "../subject.ts";
import type { Symptom } from "../symptom.ts";

/** One subject's samples, columns of equal length, oldest first. */
export interface SeriesSlice {
  readonly subject: Subject;
  /** Unix milliseconds. */
  readonly wallMs: readonly number[];
  /** NaN where a sample is missing. */
  readonly metrics: Readonly<Record<string, readonly number[]>>;
}

/** What the loop would do now about one active symptom. */
export interface DryRun {
  readonly symptom: Symptom;
  readonly plan: Plan;
  /** The guard's word, as it would be in mode `act`. */
  readonly admitted: boolean;
  readonly refusal: string | null;
}

export interface BeatStatistics {
  readonly beats: number;
  /** Beats that began late by a whole period or more and were left out. */
  readonly missed: number;
  readonly periodMs: number;
  readonly lastDurationMs: number;
}

export interface LoopView {
  readonly mode: Mode;
  statistics(): BeatStatistics;
  latestObservation(): Observation | null;
  seriesSubjects(): readonly Subject[];
  /** Null when nothing is known of the subject. */
  series(of: string): SeriesSlice | null;
  symptoms(): readonly Symptom[];
  dryRun(): readonly DryRun[];
  /** Newest first; closed ones from disk, open ones as they stand. */
  decisions(query: {
    readonly limit: number;
    readonly before?: string;
  }): Promise<Result<readonly Decision[]>>;
  decision(id: string): Promise<Result<Decision | null>>;
  /** Answers a decision that waits in mode `confirm`. */
  confirm(
    id: string,
    approve: boolean,
  ): Result<void, Fault<"E_NO_SUCH_DECISION" | "E_NOT_WAITING" | "E_BUSY">>;
  /** Events after `sequence` that are still in the ring, oldest first. */
  eventsAfter(sequence: number): readonly NumberedEvent[];
  /** Calls back for every new event until the returned function is called. */
  onEvent(listener: (event: NumberedEvent) => void): () => void;
}
