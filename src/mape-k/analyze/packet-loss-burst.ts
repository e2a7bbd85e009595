/** Interfaces that lose packets to errors (bad frames) or to drops (no room), in both directions. */

import type { History } from "../knowledge/time-series.ts";
import { type Subject, subject } from "../subject.ts";
import type { Finding, SymptomKind } from "../symptom.ts";
import type { Detector } from "./detector.ts";

const windowMs = 10_000;
/** Below this many in the window a ratio says nothing. */
const leastLost = 20;

export const detectPacketLossBurst: Detector = ({ observation, history }, thresholds) => {
  const findings: Finding[] = [];
  for (const { name, rxErrors, txErrors, rxDrops, txDrops } of observation.interfaces ?? []) {
    // Most interfaces never lost so much in their life: nothing to ask the history for.
    if (rxErrors + txErrors + rxDrops + txDrops < leastLost) continue;
    const of = subject("interface", name);
    const lost = { errors: grown(history, of, "Errors"), drops: grown(history, of, "Drops") };
    if (lost.errors < leastLost && lost.drops < leastLost) continue;
    const packets = grown(history, of, "Packets") + lost.errors + lost.drops;
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

function grown(history: History, of: Subject, what: string): number {
  const received = history.increase(of, `rx${what}`, windowMs) ?? 0;
  return received + (history.increase(of, `tx${what}`, windowMs) ?? 0);
}
