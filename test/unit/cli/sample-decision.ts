/** A decision as the daemon serves it. */

import type { Decision } from "../../../src/cli/answers.ts";

export const sampleDecision: Decision = {
  id: "01KAJ6Q9Z0ABCDEFGHJKMNPQRS",
  node: "roof-3",
  mode: "act",
  madeWallMs: 1_763_696_405_000,
  beat: 120,
  symptom: {
    key: "flapping:interface/wlan0",
    kind: "flapping",
    subject: "interface/wlan0",
    severity: "critical",
    confidence: 0.9,
    summary: "wlan0 lost its carrier 7 times in 30 s",
    evidence: [{ what: "carrier changes", seen: 7, limit: 5 }],
    raisedWallMs: 1_763_696_404_000,
    raisedBeat: 119,
  },
  plan: {
    reason: "a bounce makes the driver start afresh",
    actions: [{ kind: "interface-bounce", interface: "wlan0", downMs: 500 }],
    undo: [{ kind: "interface-up", interface: "wlan0" }],
    expectedGain: "the link stays up",
    expectation: { symptom: "flapping:interface/wlan0", withinMs: 15_000, quietBeats: 5 },
    alternatives: [
      {
        action: { kind: "interface-down", interface: "wlan0" },
        rejectedBecause: "it would cut the last path",
      },
      { action: null, rejectedBecause: "it has lasted too long" },
    ],
  },
  admission: { kind: "admitted" },
  phase: "closed",
  verdict: {
    outcome: "healed",
    reason: "no carrier change in 5 beats",
    before: [{ what: "carrier changes", seen: 7, limit: 5 }],
    after: [],
    wallMs: 1_763_696_412_000,
    tookMs: 7_000,
  },
  timeline: [
    { wallMs: 1_763_696_405_010, what: "wlan0 set down" },
    { wallMs: 1_763_696_405_520, what: "wlan0 set up" },
  ],
};
