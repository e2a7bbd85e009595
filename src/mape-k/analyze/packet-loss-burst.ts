/** Interfaces that lose packets to errors (bad frames) or to drops (no room), in both directions. */

import { type Subject, subject } from "../subject.ts";
import type { Finding, SymptomKind } from "../symptom.ts";
import type { Detector } from "./detector.ts";

/** Below this many in the window a ratio says nothing. */
const leastLost = 20;

export const detectPacketLossBurst: Detector = ({ observation, history }, thresholds) => {
  const findings: Finding[] = [];
  const windowMs = thresholds.burstWindowMs;
  const grown = (of: Subject, what: string): number =>
    (history.increase(of, `rx${what}`, windowMs) ?? 0) +
    (history.increase(of, `tx${what}`, windowMs) ?? 0);
  for (const { name, rxErrors, txErrors, rxDrops, txDrops } of observation.interfaces ?? []) {
    // Most interfaces never lost so much in their life: nothing to ask the history for.
    if (rxErrors + txErrors + rxDrops + txDrops < leastLost) continue;
    const of = subject("interface", name);
    const lost = { errors: grown(of, "Errors"), drops: grown(of, "Drops") };
    if (lost.errors < leastLost && lost.drops < leastLost) continue;
    const packets = grown(of, "Packets") + lost.errors + lost.drops;
    const add = (kind: SymptomKind, what: "errors" | "drops", limit: number) => {
      const ratio = lost[what] / packets;
      if (lost[what] < leastLost || ratio < limit) return;
      findings.push({
        kind,
        subject: of,
        severity: "warning",
        confidence: Math.min(1, ratio / limit / 2),
        summary: `${name}: ${lost[what]} ${what} in ${packets} packets within ${windowMs / 1000} s`,
        evidence: [
          { what: `${what}Ratio`, seen: ratio, limit },
          { what, seen: lost[what], limit: leastLost },
        ],
      });
    };
    add("error-burst", "errors", thresholds.errorRatio);
    add("drop-burst", "drops", thresholds.dropRatio);
  }
  return findings;
};
