/**
 * An interface whose carrier comes and goes. The kernel counts every change, so nothing is missed
 * between beats. Once raised it stays until a whole window passed without any change: one symptom
 * for one bad cable, however long it lasts.
 */

import { subject } from "../subject.ts";
import type { Finding } from "../symptom.ts";
import type { Detector } from "./detector.ts";

export const detectFlapping: Detector = (window, { flapChanges, flapWindowMs }) => {
  const findings: Finding[] = [];
  for (const { name } of window.observation.interfaces ?? []) {
    const of = subject("interface", name);
    const changes = window.history.increase(of, "carrierChanges", flapWindowMs);
    const limit = window.isActive("flapping", of) ? 1 : flapChanges;
    if (changes === null || changes < limit) continue;
    findings.push({
      kind: "flapping",
      subject: of,
      severity: "warning",
      confidence: 1,
      summary: `${name} changed its carrier ${changes} times in ${flapWindowMs / 1000} s`,
      evidence: [{ what: "carrierChanges", seen: changes, limit }],
    });
  }
  return findings;
};
