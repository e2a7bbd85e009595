/** TCP as a whole: retransmissions tell of loss on the paths, listen drops of a full accept queue. */

import { transportSubject } from "../knowledge/record-observation.ts";
import type { Finding } from "../symptom.ts";
import type { Detector } from "./detector.ts";

/** Below these counts within the window a ratio says nothing. */
const leastRetransmitted = 50;
const leastListenDrops = 5;

export const detectTransportTrouble: Detector = ({ observation, history }, thresholds) => {
  const { retransmitRatio, burstWindowMs: windowMs } = thresholds;
  if (observation.transport === null) return [];
  const grown = (metric: string) => history.increase(transportSubject, metric, windowMs) ?? 0;
  const findings: Finding[] = [];
  const retransmitted = grown("retransmittedSegments");
  const ratio = retransmitted / Math.max(1, grown("sentSegments"));
  if (retransmitted >= leastRetransmitted && ratio >= retransmitRatio) {
    findings.push({
      kind: "retransmit-burst",
      subject: transportSubject,
      severity: "warning",
      confidence: Math.min(1, ratio / retransmitRatio / 2),
      summary: `TCP sent ${retransmitted} segments again within ${windowMs / 1000} s`,
      evidence: [{ what: "retransmitRatio", seen: ratio, limit: retransmitRatio }],
    });
  }
  const drops = grown("listenDrops");
  if (drops >= leastListenDrops) {
    findings.push({
      kind: "listen-drops",
      subject: transportSubject,
      severity: "warning",
      confidence: 1,
      summary: `${drops} connections dropped at full accept queues within ${windowMs / 1000} s`,
      evidence: [{ what: "listenDrops", seen: drops, limit: leastListenDrops }],
    });
  }
  return findings;
};
