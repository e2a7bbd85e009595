/**
 * A detector looks at one window and says what it finds in it. It keeps no state: what it must
 * know of the past it asks of the history, or of the symptoms that are active.
 */

import type { History } from "../knowledge/time-series.ts";
import type { Observation } from "../observation.ts";
import type { Subject } from "../subject.ts";
import type { Finding, SymptomKind } from "../symptom.ts";

export interface Window {
  readonly observation: Observation;
  readonly history: History;
  /** Is this symptom raised at present? Lets a detector be slower to let go than to take hold. */
  isActive(kind: SymptomKind, of: Subject): boolean;
}

export interface Thresholds {
  /** Interfaces that must be up whether or not they were ever seen so. */
  readonly wantedInterfaces: readonly string[];
  /** How far back a burst is looked for: at least a few beats. */
  readonly burstWindowMs: number;
  readonly flapChanges: number;
  readonly flapWindowMs: number;
  /** Shares of packets, 0 to 1. */
  readonly errorRatio: number;
  readonly dropRatio: number;
  readonly targetFailures: number;
  readonly retransmitRatio: number;
  readonly pressureRatio: number;
  readonly storageFreeRatio: number;
}

export type Detector = (window: Window, thresholds: Thresholds) => readonly Finding[];
