/** A configured target that failed several probes in a row. */

import { subject } from "../subject.ts";
import type { Detector } from "./detector.ts";

export const detectTargetUnreachable: Detector = ({ observation }, { targetFailures }) =>
  (observation.targets ?? []).flatMap(({ name, url, reachability, failuresInARow }) => {
    if (reachability.kind !== "unreachable" || failuresInARow < targetFailures) return [];
    return [
      {
        kind: "target-unreachable",
        subject: subject("target", name),
        severity: "critical",
        confidence: 1 - 0.5 ** failuresInARow,
        summary: `${name} (${url}) does not answer: ${reachability.reason}`,
        evidence: [
          { what: "failuresInARow", seen: failuresInARow, limit: targetFailures },
          { what: "reason", seen: reachability.reason },
        ],
      },
    ];
  });
