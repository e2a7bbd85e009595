/** A decision with every part filled in, for the suites of whatever keeps decisions. */

import type { NodeId } from "../../src/base/index.ts";
import type { Decision, DecisionId } from "../../src/mape-k/decision.ts";
import type { SymptomKey } from "../../src/mape-k/symptom.ts";

/** Ids in ULID's alphabet, so that the number's order is the id's order. */
export function sampleId(number: number): DecisionId {
  return `01JD${String(number).padStart(22, "0")}` as DecisionId;
}

export function sampleDecision(number: number, changes: Partial<Decision> = {}): Decision {
  const key = "interface-down:interface/mesh0" as SymptomKey;
  const evidence = [{ what: "operState", seen: "down", limit: "up" }];
  return {
    id: sampleId(number),
    node: "node-a" as NodeId,
    mode: "act",
    madeWallMs: 1_700_000_000_000 + number,
    beat: number,
    symptom: {
      key,
      kind: "interface-down",
      subject: "interface/mesh0",
      severity: "critical",
      confidence: 0.9,
      summary: "mesh0 has no carrier — “Träger weg”",
      evidence,
      raisedWallMs: 1_700_000_000_000,
      raisedBeat: 1,
    },
    plan: {
      reason: "a bounce brought it back before",
      actions: [{ kind: "interface-bounce", interface: "mesh0", downMs: 500 }],
      undo: [{ kind: "interface-up", interface: "mesh0" }],
      expectedGain: "the carrier returns",
      expectation: {
        symptom: key,
        proof: "symptom-gone",
        withinMs: 30_000,
        quietBeats: 5,
      },
      standing: null,
      alternatives: [{ action: null, rejectedBecause: "waiting did not help" }],
    },
    admission: { kind: "admitted" },
    phase: "applying",
    verdict: null,
    withdrawal: null,
    timeline: [{ wallMs: 1_700_000_000_000, what: "made" }],
    ...changes,
  };
}
