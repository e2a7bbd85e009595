/**
 * A decision as it stands on disk: a format version, a checksum, JSON. LevelDB does not verify its
 * blocks on every read, and a flipped bit in JSON may still parse: the checksum is ours.
 */

import { crc32 } from "node:zlib";
import { failed, messageOf, ok, type Result } from "../../base/index.ts";
import type { Decision, DecisionPhase } from "../decision.ts";

const formatVersion = 1;

/** `1 <CRC-32 of the JSON, 8 hex digits> <JSON>` */
export function encodeDecisionRecord(decision: Decision): string {
  const json = JSON.stringify(decision);
  return `${formatVersion} ${checksum(json)} ${json}`;
}

/** The decision, or what is wrong with the record in words. */
export function decodeDecisionRecord(text: string): Result<Decision, string> {
  const parts = /^(\d+) ([0-9a-f]{8}) (.*)$/s.exec(text);
  const [, version, sum, json] = parts ?? [];
  if (version === undefined || sum === undefined || json === undefined) {
    return failed("it is not a decision record");
  }
  if (Number(version) !== formatVersion) {
    return failed(`it has format ${version}, this version reads format ${formatVersion}`);
  }
  if (checksum(json) !== sum) return failed("its checksum does not match");
  return parseDecision(json);
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, "0");
}

export function parseDecision(json: string): Result<Decision, string> {
  try {
    const value: unknown = JSON.parse(json);
    return isDecision(value) ? ok(completed(value)) : failed("it has not the shape of a decision");
  } catch (thrown) {
    return failed(`it is not JSON: ${messageOf(thrown)}`);
  }
}

/** What version 0.1.0 did not write yet: it knew no standing repairs. */
function completed(decision: Decision): Decision {
  const { plan } = decision;
  return {
    ...decision,
    plan: {
      ...plan,
      standing: plan.standing ?? null,
      expectation: { ...plan.expectation, proof: plan.expectation.proof ?? "symptom-gone" },
    },
    withdrawal: decision.withdrawal ?? null,
  };
}

const phases: ReadonlySet<unknown> = new Set<DecisionPhase>([
  "waiting",
  "applying",
  "verifying",
  "undoing",
  "holding",
  "withdrawing",
  "closed",
]);

/**
 * Whether every part that readers walk through is there. The checksum says the bytes are those that
 * were written; this says that what was written was a decision.
 */
function isDecision(value: unknown): value is Decision {
  return (
    hasStrings(value, ["id", "node", "mode"]) &&
    hasNumbers(value, ["madeWallMs", "beat"]) &&
    phases.has(value["phase"]) &&
    isSymptom(value["symptom"]) &&
    isPlan(value["plan"]) &&
    hasStrings(value["admission"], ["kind"]) &&
    (value["verdict"] === null || isVerdict(value["verdict"])) &&
    Array.isArray(value["timeline"])
  );
}

function isSymptom(value: unknown): boolean {
  return (
    hasStrings(value, ["key", "kind", "subject", "severity", "summary"]) &&
    hasNumbers(value, ["confidence", "raisedWallMs", "raisedBeat"]) &&
    Array.isArray(value["evidence"])
  );
}

function isPlan(value: unknown): boolean {
  return (
    hasStrings(value, ["reason", "expectedGain"]) &&
    ["actions", "undo", "alternatives"].every((name) => Array.isArray(value[name])) &&
    hasStrings(value["expectation"], ["symptom"])
  );
}

function isVerdict(value: unknown): boolean {
  return (
    hasStrings(value, ["outcome", "reason"]) &&
    hasNumbers(value, ["wallMs", "tookMs"]) &&
    Array.isArray(value["before"]) &&
    Array.isArray(value["after"])
  );
}

type Fields = Readonly<Record<string, unknown>>;

function hasStrings(value: unknown, names: readonly string[]): value is Fields {
  return isFields(value) && names.every((name) => typeof value[name] === "string");
}

function hasNumbers(value: unknown, names: readonly string[]): value is Fields {
  return isFields(value) && names.every((name) => typeof value[name] === "number");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
