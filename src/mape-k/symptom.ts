/** What is wrong, with the evidence for it. */

import type { Brand } from "../base/index.ts";
import type { Observation, SectionName } from "./observation.ts";
import { type Subject, subjectName } from "./subject.ts";

export type SymptomKind =
  | "interface-down"
  | "flapping"
  | "error-burst"
  | "drop-burst"
  | "target-unreachable"
  | "retransmit-burst"
  | "listen-drops"
  | "resource-pressure"
  | "storage-low"
  | "sensor-failed"
  | "link-loss"
  | "silent-neighbour";

/** The section of an observation in which a kind shows itself; null for those that always can. */
const shownIn: Readonly<Record<SymptomKind, SectionName | null>> = {
  "interface-down": "interfaces",
  flapping: "interfaces",
  "error-burst": "interfaces",
  "drop-burst": "interfaces",
  "target-unreachable": "targets",
  "retransmit-burst": "transport",
  "listen-drops": "transport",
  "resource-pressure": "pressure",
  "storage-low": "storage",
  "sensor-failed": null,
  "link-loss": "linkLoss",
  "silent-neighbour": "mesh",
};

export type Severity = "info" | "warning" | "critical";

/** One measured fact that speaks for a finding, with the limit it was held against. */
export interface Evidence {
  readonly what: string;
  readonly seen: number | string | boolean;
  readonly limit?: number | string | boolean;
}

/** What a detector says about one beat. */
export interface Finding {
  readonly kind: SymptomKind;
  readonly subject: Subject;
  readonly severity: Severity;
  /** 0 to 1: how sure the detector is that this is real and not noise. */
  readonly confidence: number;
  readonly summary: string;
  readonly evidence: readonly Evidence[];
}

/** `kind:subject`; at most one symptom with a key is active at a time. */
export type SymptomKey = Brand<string, "SymptomKey">;

export function symptomKey(finding: Pick<Finding, "kind" | "subject">): SymptomKey {
  return `${finding.kind}:${finding.subject}` as SymptomKey;
}

/** A finding that has lasted long enough to be raised. */
export interface Symptom extends Finding {
  readonly key: SymptomKey;
  /** Unix milliseconds at which it was raised. */
  readonly raisedWallMs: number;
  readonly raisedBeat: number;
}

/** Could this have been seen in this beat? Not seeing what was not looked at proves nothing. */
export function isObservable(
  { kind, subject }: Pick<Finding, "kind" | "subject">,
  observation: Observation,
): boolean {
  const section = shownIn[kind];
  if (section === null) return true;
  if (section !== "targets") return observation[section] !== null;
  // A target has its own eyes: "unknown" means that the node could not ask.
  const target = observation.targets?.find(({ name }) => name === subjectName(subject));
  return observation.targets !== null && target?.reachability.kind !== "unknown";
}
