/**
 * From findings, beat by beat, to symptoms: a finding is raised once it has lasted, held through
 * short gaps, and cleared once it stayed away. One cause, one symptom: while an interface flaps, its
 * single downs are part of that.
 */

import type { Observation } from "../observation.ts";
import {
  type Finding,
  isObservable,
  type Symptom,
  type SymptomKey,
  type SymptomKind,
  symptomKey,
} from "../symptom.ts";

interface Patience {
  /** Consecutive beats a finding must be seen before it is raised. */
  readonly raiseBeats: number;
  /** Consecutive beats it must be absent before it is cleared. */
  readonly clearBeats: number;
}

const prompt: Patience = { raiseBeats: 1, clearBeats: 3 };
const patient: Patience = { raiseBeats: 3, clearBeats: 5 };

const patience: Record<SymptomKind, Patience> = {
  "interface-down": prompt,
  flapping: prompt,
  "target-unreachable": prompt,
  "storage-low": prompt,
  "listen-drops": prompt,
  "error-burst": patient,
  "drop-burst": patient,
  "retransmit-burst": patient,
  "resource-pressure": { raiseBeats: 10, clearBeats: 10 },
  "sensor-failed": patient,
  "link-loss": prompt,
  "silent-neighbour": prompt,
};

/** While the left one is found on a subject, the right ones of the same subject are part of it. */
const subsumes: Partial<Record<SymptomKind, readonly SymptomKind[]>> = {
  flapping: ["interface-down"],
};

export interface Track {
  readonly finding: Finding;
  /** Null while it is only suspected. */
  readonly symptom: Symptom | null;
  readonly raisedAtMs: number;
  readonly seenBeats: number;
  readonly absentBeats: number;
}

export type Tracks = ReadonlyMap<SymptomKey, Track>;

export interface TrackingStep {
  readonly tracks: Tracks;
  readonly raised: readonly Symptom[];
  readonly cleared: readonly { readonly symptom: Symptom; readonly lastedMs: number }[];
  /** Findings left out because `limit` was reached. */
  readonly dropped: number;
}

export function trackSymptoms(
  tracks: Tracks,
  found: readonly Finding[],
  now: Observation,
  limit: number,
): TrackingStep {
  const findings = withoutSubsumed(found);
  const next = new Map<SymptomKey, Track>();
  const raised: Symptom[] = [];
  const cleared: { symptom: Symptom; lastedMs: number }[] = [];
  const follow = (key: SymptomKey, track: Track, wasRaised: boolean) => {
    next.set(key, track);
    if (track.symptom !== null && !wasRaised) raised.push(track.symptom);
  };
  for (const [key, before] of tracks) {
    const finding = findings.get(key);
    const { symptom, raisedAtMs } = before;
    const track = finding === undefined ? unseen(before, now) : seen(key, finding, before, now);
    if (track !== null) follow(key, track, symptom !== null);
    else if (symptom !== null) cleared.push({ symptom, lastedMs: now.atMs - raisedAtMs });
  }
  let dropped = 0;
  for (const [key, finding] of findings) {
    if (tracks.has(key)) continue;
    if (next.size < limit) follow(key, seen(key, finding, undefined, now), false);
    else dropped++;
  }
  return { tracks: next, raised, cleared, dropped };
}

/** Null when it has stayed away long enough. */
function unseen(before: Track, now: Observation): Track | null {
  if (!isObservable(before.finding, now)) return before;
  const absentBeats = before.absentBeats + 1;
  const holds = before.symptom !== null && absentBeats < patience[before.finding.kind].clearBeats;
  return holds ? { ...before, absentBeats } : null;
}

function seen(
  key: SymptomKey,
  finding: Finding,
  before: Track | undefined,
  now: Observation,
): Track {
  const seenBeats = (before?.seenBeats ?? 0) + 1;
  const symptom =
    before?.symptom ??
    (seenBeats >= patience[finding.kind].raiseBeats
      ? { ...finding, key, raisedWallMs: now.wallMs, raisedBeat: now.beat }
      : null);
  return {
    finding,
    // What it was raised with stays; what is seen now is what evidence and severity speak of.
    symptom: symptom === null ? null : { ...symptom, ...finding },
    raisedAtMs: before?.symptom ? before.raisedAtMs : now.atMs,
    seenBeats,
    absentBeats: 0,
  };
}

function withoutSubsumed(found: readonly Finding[]): Map<SymptomKey, Finding> {
  const kept = new Map(found.map((finding) => [symptomKey(finding), finding]));
  for (const { kind, subject } of found) {
    for (const part of subsumes[kind] ?? []) kept.delete(symptomKey({ kind: part, subject }));
  }
  return kept;
}

/** Is the trouble a symptom speaks of, or a larger one it is part of, among these findings? */
export function isStillFound(symptom: Symptom, findings: readonly Finding[]): boolean {
  return findings.some(
    ({ kind, subject }) =>
      subject === symptom.subject &&
      (kind === symptom.kind || (subsumes[kind] ?? []).includes(symptom.kind)),
  );
}
