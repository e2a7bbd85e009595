/**
 * A neighbour that has not been heard for several of its intervals. batman-adv itself keeps it for
 * minutes; once it is purged from the table there is no neighbour any more, silent or not.
 */

import type { MeshReading } from "../observation.ts";
import { linkSubject } from "../subject.ts";
import type { Finding } from "../symptom.ts";
import type { Detector } from "./detector.ts";

/** A share of an interval for jitter: without it, two lost messages and a third one late are silence. */
const lateness = 1 / 4;

/** BATMAN_V hears ELP, BATMAN_IV originator messages; neighbours are taken to keep our intervals. */
function intervalMs(mesh: MeshReading, on: string): number {
  if (mesh.algorithm === "BATMAN_IV") return mesh.originatorIntervalMs;
  const own = mesh.interfaces.find(({ name }) => name === on)?.elpIntervalMs;
  return own ?? mesh.originatorIntervalMs;
}

export const detectSilentNeighbour: Detector = ({ observation: { mesh } }, { silentIntervals }) => {
  if (mesh === null) return [];
  const findings: Finding[] = [];
  for (const { neighbour, interface: on, lastSeenMs, routes } of mesh.links) {
    const limitMs = (silentIntervals + lateness) * intervalMs(mesh, on);
    if (lastSeenMs <= limitMs) continue;
    findings.push({
      kind: "silent-neighbour",
      subject: linkSubject({ neighbour, interface: on }),
      severity: routes === 0 ? "warning" : "critical",
      confidence: 1 - limitMs / lastSeenMs / 2,
      summary: `nothing heard of ${neighbour} on ${on} for ${(lastSeenMs / 1000).toFixed(1)} s`,
      evidence: [
        { what: "lastSeenMs", seen: lastSeenMs, limit: limitMs },
        { what: "routes", seen: routes },
      ],
    });
  }
  return findings;
};
