import { describe, expect, it } from "vitest";
import type { Decision } from "../../../../src/mape-k/decision.ts";
import { decodeSlot, encodeSlot, slotBytes } from "../../../../src/mape-k/io/journal-slot.ts";
import { sampleDecision } from "../../../compliance/sample-decision.ts";

function slotOf(decision: Decision, generation = 7n): Buffer {
  const encoded = encodeSlot(decision, generation);
  if (encoded === null) throw new Error("it does not fit");
  const slot = Buffer.alloc(slotBytes);
  encoded.bytes.copy(slot);
  return slot;
}
function stored(decision: Decision): Decision {
  const content = decodeSlot(slotOf(decision));
  if (content.kind !== "entry") throw new Error(content.kind);
  return content.decision;
}
const long = (length: number) => "ü".repeat(length / 2);

describe("a journal slot", () => {
  it("reads back a decision and its generation", () => {
    const decision = sampleDecision(1);
    expect(decodeSlot(slotOf(decision))).toEqual({ kind: "entry", decision, generation: 7n });
  });

  it("is empty when zeroed, also over an old entry", () => {
    expect(decodeSlot(Buffer.alloc(slotBytes))).toEqual({ kind: "empty" });
    const cleared = slotOf(sampleDecision(1)).fill(0, 0, 24);
    expect(decodeSlot(cleared)).toEqual({ kind: "empty" });
  });

  it("notices every flipped byte of the entry", () => {
    const slot = slotOf(sampleDecision(1));
    const end = 24 + slot.readUInt32BE(16);
    for (let at = 0; at < end; at++) {
      const torn = Buffer.from(slot);
      torn.writeUInt8(torn.readUInt8(at) ^ 0x20, at);
      expect(decodeSlot(torn).kind, `byte ${at}`).toBe("damaged");
    }
  });

  it("notices a new entry torn over an old one at any sector", () => {
    const fresh = slotOf(sampleDecision(1, { timeline: [{ wallMs: 1, what: long(4000) }] }), 8n);
    const old = slotOf(
      sampleDecision(2, { timeline: [{ wallMs: 1, what: "old ".repeat(1000) }] }),
      7n,
    );
    for (let cut = 512; cut < 4096; cut += 512) {
      const torn = Buffer.concat([fresh.subarray(0, cut), old.subarray(cut)]);
      expect(decodeSlot(torn).kind, `after ${cut} bytes`).toBe("damaged");
    }
  });

  it("is damaged when the file ends within it", () => {
    expect(decodeSlot(slotOf(sampleDecision(1)).subarray(0, slotBytes - 1)).kind).toBe("damaged");
  });
});

describe("a decision too large for a slot", () => {
  const plain = sampleDecision(1);
  const bulky = [{ what: long(20_000), seen: 1 }];

  it("keeps all it can: one that just fits is whole", () => {
    const decision = sampleDecision(1, { timeline: [{ wallMs: 1, what: long(14_000) }] });
    expect(stored(decision)).toEqual(decision);
    expect(encodeSlot(decision, 1n)?.trimmed).toBe(false);
  });

  it("loses its evidence first, and nothing else", () => {
    const decision = { ...plain, symptom: { ...plain.symptom, evidence: bulky } };
    expect(stored(decision)).toEqual({ ...plain, symptom: { ...plain.symptom, evidence: [] } });
    expect(encodeSlot(decision, 1n)?.trimmed).toBe(true);
  });

  it("loses its alternatives next", () => {
    const alternatives = [{ action: null, rejectedBecause: long(20_000) }];
    const kept = stored({ ...plain, plan: { ...plain.plan, alternatives } });
    expect(kept.plan).toEqual({ ...plain.plan, alternatives: [] });
    expect(kept.timeline).toEqual(plain.timeline);
  });

  it("keeps its actions and their undo when every text is too long", () => {
    const kept = stored({
      ...plain,
      symptom: { ...plain.symptom, summary: long(50_000), evidence: bulky },
      plan: { ...plain.plan, reason: long(50_000), expectedGain: long(50_000) },
      timeline: Array.from({ length: 500 }, (_, wallMs) => ({ wallMs, what: long(500) })),
    });
    expect(kept.plan.actions).toEqual(plain.plan.actions);
    expect(kept.plan.undo).toEqual(plain.plan.undo);
    expect(kept.timeline.map((entry) => entry.wallMs)).toEqual([496, 497, 498, 499]);
  });

  it("keeps the undo of two hundred actions", () => {
    const undo = Array.from({ length: 200 }, (_, number) => {
      return { kind: "interface-up", interface: `mesh${number}` } as const;
    });
    const actions = undo.map((action) => ({ ...action, kind: "interface-down" }) as const);
    const kept = stored({ ...plain, plan: { ...plain.plan, actions, undo } });
    expect(kept.plan.undo).toEqual(undo);
  });

  it("does not pretend to keep an undo that does not fit", () => {
    const undo = Array.from({ length: 2000 }, (_, number) => {
      return { kind: "interface-up", interface: `mesh${number}` } as const;
    });
    expect(encodeSlot({ ...plain, plan: { ...plain.plan, undo } }, 1n)).toBeNull();
  });
});
