/**
 * A link that loses a neighbour's messages. Whether few messages speak for loss or for chance is
 * weighed as in a sequential test: each lost one speaks for a bad link, each received one for a good
 * link, and enough of a balance over any of some window lengths is a finding. So heavy loss is seen
 * within a few messages, and light loss only once it has lasted.
 * (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954; here over bounded windows.)
 */

import type { History } from "../knowledge/time-series.ts";
import type { LinkLossReading, MeshLinkReading } from "../observation.ts";
import { linkSubject, lossSubject } from "../subject.ts";
import type { Finding } from "../symptom.ts";
import type { Detector } from "./detector.ts";

const windowsMs = [2_000, 3_000, 4_000, 6_000, 8_000];
/** The loss of a good link, as a share of the threshold. */
const goodShare = 1 / 6;
/** e to this power: how much likelier a bad link must be than a good one. */
const enoughWeight = 5.3;
const leastLost = 3;
/** A raised one stays until so little was lost over the burst window, out of so many. */
const releaseShare = 1 / 3;
const releaseLeast = 8;
/** Nothing at all for so long is silence, which is another symptom with another cure. */
const silenceMs = 4_000;

interface Counted {
  readonly windowMs: number;
  readonly expected: number;
  readonly lost: number;
}

export const detectLinkLoss: Detector = ({ observation, history, isActive }, thresholds) => {
  const findings: Finding[] = [];
  for (const reading of observation.linkLoss ?? []) {
    const active = isActive("link-loss", linkSubject(reading));
    const { linkLossRatio: limit, burstWindowMs } = thresholds;
    const seen = active
      ? stillBad(reading, history, limit, burstWindowMs)
      : gotBad(reading, history, limit, burstWindowMs);
    if (seen === null) continue;
    const link = observation.mesh?.links.find(
      ({ neighbour, interface: on }) => neighbour === reading.neighbour && on === reading.interface,
    );
    findings.push(lossFinding(reading, seen, link, limit));
  }
  return findings;
};

function count(reading: LinkLossReading, history: History, windowMs: number): Counted | null {
  const of = lossSubject(reading);
  const expected = history.increase(of, "expected", windowMs);
  const received = history.increase(of, "received", windowMs);
  if (expected === null || received === null) return null;
  return {
    windowMs,
    expected: expected + reading.overdue,
    lost: Math.max(0, expected - received) + reading.overdue,
  };
}

function gotBad(
  reading: LinkLossReading,
  history: History,
  limit: number,
  longMs: number,
): Counted | null {
  const silent = count(reading, history, silenceMs);
  if (silent !== null && silent.expected >= leastLost && silent.lost >= silent.expected)
    return null;
  const forBad = Math.log(1 / goodShare);
  const forGood = Math.log((1 - limit) / (1 - limit * goodShare));
  for (const windowMs of [...windowsMs, longMs]) {
    const counted = count(reading, history, windowMs);
    if (counted === null || counted.lost < leastLost) continue;
    const { expected, lost } = counted;
    if (lost * forBad + (expected - lost) * forGood >= enoughWeight) return counted;
  }
  return null;
}

/** Too few messages to judge by keep it raised: a link nobody hears of has not got better. */
function stillBad(
  reading: LinkLossReading,
  history: History,
  limit: number,
  windowMs: number,
): Counted | null {
  const counted = count(reading, history, windowMs);
  if (counted === null) return { windowMs, expected: 0, lost: 0 };
  const { expected, lost } = counted;
  return expected >= releaseLeast && lost <= expected * limit * releaseShare ? null : counted;
}

function lossFinding(
  reading: LinkLossReading,
  { windowMs, expected, lost }: Counted,
  link: MeshLinkReading | undefined,
  limit: number,
): Finding {
  const ratio = expected === 0 ? 0 : lost / expected;
  const unused = link?.routes === 0;
  const traffic = unused ? "; no traffic takes it" : "";
  const seconds = windowMs / 1000;
  return {
    kind: "link-loss",
    subject: linkSubject(reading),
    severity: unused ? "warning" : "critical",
    confidence: Math.min(1, 1 - 0.5 ** lost),
    summary:
      `${reading.interface} loses ${Math.round(ratio * 100)} % of what ${reading.neighbour} sends` +
      ` (${lost} of ${expected} in ${seconds} s)${traffic}`,
    evidence: [
      { what: "lossRatio", seen: ratio, limit },
      { what: "expected", seen: expected },
      { what: "lost", seen: lost },
      ...(link === undefined ? [] : [{ what: "routes", seen: link.routes }]),
    ],
  };
}
