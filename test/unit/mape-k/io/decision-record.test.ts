import { describe, expect, it } from "vitest";
import {
  decodeDecisionRecord,
  encodeDecisionRecord,
} from "../../../../src/mape-k/io/decision-record.ts";
import { sampleDecision } from "../../../compliance/sample-decision.ts";

describe("a decision record", () => {
  it("reads back what was written", () => {
    const decision = sampleDecision(1);
    expect(decodeDecisionRecord(encodeDecisionRecord(decision))).toEqual({
      ok: true,
      value: decision,
    });
  });

  it("notices any single changed character", () => {
    const text = encodeDecisionRecord(sampleDecision(1));
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === "0" ? "1" : "0";
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      expect(decodeDecisionRecord(changed).ok, `at ${at}`).toBe(false);
    }
  });

  it("notices every cut", () => {
    const text = encodeDecisionRecord(sampleDecision(1));
    for (let length = 0; length < text.length; length++) {
      expect(decodeDecisionRecord(text.slice(0, length)).ok, `length ${length}`).toBe(false);
    }
  });

  it("refuses a format of a later version by name", () => {
    const text = encodeDecisionRecord(sampleDecision(1)).replace(/^1 /, "2 ");
    const decoded = decodeDecisionRecord(text);
    expect(!decoded.ok && decoded.fault).toContain("format 2");
  });

  it.each(["symptom", "plan", "timeline", "phase", "admission"])(
    "refuses a well-kept record that is no decision: without %s",
    (part) => {
      const text = encodeDecisionRecord({ ...sampleDecision(1), [part]: undefined });
      const decoded = decodeDecisionRecord(text);
      expect(!decoded.ok && decoded.fault).toContain("shape");
    },
  );
});
