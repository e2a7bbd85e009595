/**
 * An interface that carried traffic, or is named in the configuration, and no longer can. One that
 * was never up (an empty socket) is nobody's loss and gives no finding.
 */

import { isOperational } from "../knowledge/record-observation.ts";
import type { InterfaceReading } from "../observation.ts";
import { subject, subjectName } from "../subject.ts";
import type { Finding } from "../symptom.ts";
import type { Detector, Thresholds, Window } from "./detector.ts";

/** How far back "was up" reaches for a finding that is not yet raised. */
const memoryMs = 60_000;

export const detectInterfaceDown: Detector = (window, thresholds) => {
  const readings = window.observation.interfaces;
  if (readings === null) return [];
  const findings: Finding[] = [];
  for (const reading of readings) {
    if (!isOperational(reading) && isMissed(reading, window, thresholds)) {
      findings.push(downFinding(reading));
    }
  }
  for (const name of thresholds.wantedInterfaces) {
    if (!readings.some((reading) => reading.name === name)) findings.push(absentFinding(name));
  }
  return findings;
};

function isMissed(reading: InterfaceReading, window: Window, thresholds: Thresholds): boolean {
  const of = subject("interface", reading.name);
  return (
    thresholds.wantedInterfaces.includes(reading.name) ||
    window.isActive("interface-down", of) ||
    // While it flaps its downs are part of that; one that lasts must not be forgotten over it.
    window.isActive("flapping", of) ||
    window.history.maximum(of, "operational", memoryMs) === 1
  );
}

function downFinding(reading: InterfaceReading): Finding {
  const of = subject("interface", reading.name);
  const why = reading.adminUp
    ? `wanted up, but ${reading.operState === "down" ? "has no carrier" : reading.operState}`
    : "set down";
  return {
    kind: "interface-down",
    subject: of,
    severity: "critical",
    confidence: 1,
    summary: `${subjectName(of)} is down: ${why}`,
    evidence: [
      { what: "adminUp", seen: reading.adminUp, limit: true },
      { what: "operState", seen: reading.operState, limit: "up" },
      { what: "carrierChanges", seen: reading.carrierChanges },
    ],
  };
}

function absentFinding(name: string): Finding {
  return {
    kind: "interface-down",
    subject: subject("interface", name),
    severity: "critical",
    confidence: 1,
    summary: `${name} is named in the configuration and does not exist`,
    evidence: [{ what: "present", seen: false, limit: true }],
  };
}
