/**
 * A link that loses a neighbour's messages. Whether few messages speak for loss or for chance is
 * weighed as in a sequential test: each lost one speaks for a bad link, each received one for a good
 * link, and enough of a balance over any of some window lengths is a finding. So heavy loss is seen
 * within a few messages, and light loss only once it has lasted. What is good is learnt: on a link
 * that lost nothing for a minute, two lost messages say more than on one that always loses some.
 * (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954; here over bounded windows.)
 */

import type { History } from "../knowledge/time-series.ts";
import type { LinkLossReading, MeshLinkReading } from "../observation.ts";
import { linkSubject, lossSubject } from "../subject.ts";
import type { Finding } from "../symptom.ts";
import type { Detector } from "./detector.ts";

const windowsMs = [2_000, 3_000, 4_000, 6_000, 8_000];
/** The loss of a good link, as a share of the threshold; one that is known to be better is better. */
const goodShare = 1 / 6;
/** Over this time before the windows above it is learnt how good a link is. */
const learningMs = 60_000;
/** As if so many messages, so many of them lost, had been seen before: a few prove nothing. */
const doubt = { expected: 10, lost: 3 };
/** e to this power: how much likelier a bad link must be than a good one. */
const enoughWeight = 5.3;
/** Of them one must have shown as a gap: a late message is not a lost one. */
const leastLost = 2;
const leastGaps = 1;
/** A raised one stays until so little was lost over the burst window, out of so many. */
const releaseShare = 1 / 3;
const releaseLeast = 8;
/** Nothing at all for so long is silence, which is another symptom with another cure. */
const silenceMs = 4_000;
const leastHeard = 3;

interface Tally {
  /** Overdue messages among them, in both. */
  readonly expected: number;
  readonly lost: number;
  /** Lost as later messages have shown. */
  readonly gaps: number;
}

interface Counted extends Tally {
  readonly windowMs: number;
  /** Not among the others: they are lost on the way there as well. */
  readonly echoes: Tally;
}

const nothing: Tally = { expected: 0, lost: 0, gaps: 0 };

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
  const grown = (counter: string) => history.increase(of, counter, windowMs);
  const own = tally(grown("expected"), grown("received"), reading.overdue);
  if (own === null) return null;
  const { overdue } = reading.echoes;
  const echoes = tally(grown("echoesExpected"), grown("echoesReceived"), overdue);
  return { windowMs, ...own, echoes: echoes ?? nothing };
}

function tally(expected: number | null, received: number | null, overdue: number): Tally | null {
  if (expected === null || received === null) return null;
  const gaps = Math.max(0, expected - received);
  return { expected: expected + overdue, lost: gaps + overdue, gaps };
}

/** How much likelier these were lost on a link that loses `bad` than on one that loses `good`. */
function weight({ expected, lost }: Tally, bad: number, good: number): number {
  return lost * Math.log(bad / good) + (expected - lost) * Math.log((1 - bad) / (1 - good));
}

/** Of what is lost at this rate each way, so much is lost there and back. */
function bothWays(lossRatio: number): number {
  return 1 - (1 - lossRatio) ** 2;
}

function gotBad(
  reading: LinkLossReading,
  history: History,
  limit: number,
  longMs: number,
): Counted | null {
  // Most links lose nothing: that is the longest of the windows, and there is no more to ask.
  const all = count(reading, history, longMs);
  if (all === null || !isWorthAsking(all)) return null;
  const silent = count(reading, history, silenceMs);
  if (silent !== null && silent.expected >= leastHeard && silent.lost >= silent.expected)
    return null;
  const good = goodLoss(reading, history, limit, longMs);
  for (const windowMs of [...windowsMs, longMs]) {
    const counted = count(reading, history, windowMs);
    if (counted === null || !isWorthAsking(counted)) continue;
    const echoed = weight(counted.echoes, bothWays(limit), bothWays(good));
    if (weight(counted, limit, good) + echoed >= enoughWeight) return counted;
  }
  return null;
}

function isWorthAsking({ lost, gaps, echoes }: Counted): boolean {
  return lost + echoes.lost >= leastLost && gaps + echoes.gaps >= leastGaps;
}

/** What this link lost while nobody complained, doubt included. */
function goodLoss(
  reading: LinkLossReading,
  history: History,
  limit: number,
  longMs: number,
): number {
  const [whole, late] = [learningMs + longMs, longMs].map((ms) => count(reading, history, ms));
  const expected = (whole?.expected ?? 0) - (late?.expected ?? 0);
  const lost = (whole?.gaps ?? 0) - (late?.gaps ?? 0);
  const learnt = (lost + doubt.lost) / (expected + doubt.expected);
  return Math.min(limit * goodShare, Math.max(0, learnt));
}

/** Too few messages to judge by keep it raised: a link nobody hears of has not got better. */
function stillBad(
  reading: LinkLossReading,
  history: History,
  limit: number,
  windowMs: number,
): Counted | null {
  const counted = count(reading, history, windowMs);
  if (counted === null) return { windowMs, ...nothing, echoes: nothing };
  const { expected, lost } = counted;
  return expected >= releaseLeast && lost <= expected * limit * releaseShare ? null : counted;
}

function lossFinding(
  reading: LinkLossReading,
  { windowMs, expected, lost, echoes }: Counted,
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
    confidence: 1 - 0.5 ** (lost + echoes.lost),
    summary:
      `${reading.interface} loses ${Math.round(ratio * 100)} % of what ${reading.neighbour} sends` +
      ` (${lost} of ${expected} in ${seconds} s)${echoed(echoes)}${traffic}`,
    evidence: [
      { what: "lossRatio", seen: ratio, limit },
      { what: "expected", seen: expected },
      { what: "lost", seen: lost },
      ...(echoes.expected === 0
        ? []
        : [
            { what: "echoesExpected", seen: echoes.expected },
            { what: "echoesLost", seen: echoes.lost },
          ]),
      ...(link === undefined ? [] : [{ what: "routes", seen: link.routes }]),
    ],
  };
}

function echoed({ expected, lost }: Tally): string {
  return lost === 0 ? "" : `, and ${lost} of ${expected} of our own that it repeats`;
}
