import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Action } from "../../../../src/mape-k/action.ts";
import type { Plan } from "../../../../src/mape-k/decision.ts";
import {
  admit,
  book,
  bookRecovered,
  coolDownLeftMs,
  freshGuard,
  type GuardContext,
  type GuardOptions,
  type GuardState,
} from "../../../../src/mape-k/guard/guard.ts";
import type { SymptomKey } from "../../../../src/mape-k/symptom.ts";
import { interfaceReading, observation } from "../support/readings.ts";

const hourMs = 3_600_000;
const options: GuardOptions = { budgetPerHour: 3, coolDownMs: 30_000, confirmMs: 900_000 };

function planOf(...actions: Action[]): Plan {
  const symptom = "interface-down:interface/mesh0" as SymptomKey;
  return {
    reason: "a test",
    actions,
    undo: [],
    expectedGain: "",
    expectation: { symptom, proof: "symptom-gone", withinMs: 15_000, quietBeats: 3 },
    standing: null,
    alternatives: [],
  };
}
const bounce = (name = "mesh0") =>
  planOf({ kind: "interface-bounce", interface: name, downMs: 500 });
const setUp = planOf({ kind: "interface-up", interface: "mesh0" });
const tell = planOf({ kind: "tell", severity: "info", message: "hello" });

const twoWires = observation({
  interfaces: [interfaceReading({ operState: "down" }), interfaceReading({ name: "mesh1" })],
});
const calm: GuardContext = {
  mode: "act",
  atMs: 10 * hourMs,
  wallMs: 5,
  observation: twoWires,
  underWay: false,
  held: 0,
  journalReady: true,
  hasActuators: true,
};
/** Repairs so many milliseconds ago, oldest first. */
const repaired = (...agoMs: number[]): GuardState => ({
  repairs: agoMs.map((ago) => ({ atMs: calm.atMs - ago, subject: "interface/mesh0" })),
});
const elsewhere = (...agoMs: number[]): GuardState => ({
  repairs: agoMs.map((ago, n) => ({ atMs: calm.atMs - ago, subject: `interface/other${n}` })),
});

describe("the guard", () => {
  it("admits a repair when nothing speaks against it", () => {
    expect(admit(bounce(), freshGuard, calm, options)).toEqual({ kind: "admitted" });
  });

  it("only plans in mode observe, whatever else", () => {
    const context = { ...calm, mode: "observe" as const, journalReady: false };
    expect(admit(bounce(), freshGuard, context, options)).toEqual({ kind: "observed" });
    expect(admit(tell, freshGuard, context, options)).toEqual({ kind: "observed" });
  });

  it("asks a person first in mode confirm, but not whether it may speak", () => {
    const context = { ...calm, mode: "confirm" as const };
    expect(admit(bounce(), freshGuard, context, options)).toEqual({
      kind: "awaiting-confirmation",
      expiresWallMs: 900_005,
    });
    expect(admit(tell, freshGuard, context, options)).toEqual({ kind: "admitted" });
  });

  const lastWire = { observation: observation({ interfaces: [interfaceReading()] }) };
  const refusals = [
    { code: "E_NO_CAPABILITY", context: { hasActuators: false }, state: freshGuard },
    { code: "E_JOURNAL_UNAVAILABLE", context: { journalReady: false }, state: freshGuard },
    { code: "E_REPAIR_UNDER_WAY", context: { underWay: true }, state: freshGuard },
    { code: "E_COOL_DOWN", context: {}, state: repaired(29_999) },
    { code: "E_BUDGET_SPENT", context: {}, state: elsewhere(3_599_999, 2, 1) },
    { code: "E_LAST_PATH", context: lastWire, state: freshGuard },
  ] as const;

  it.each(refusals)("refuses with $code", ({ code, context, state }) => {
    for (const mode of ["act", "confirm"] as const) {
      const admission = admit(bounce(), state, { ...calm, ...context, mode }, options);
      expect(admission).toMatchObject({ kind: "refused", code });
    }
  });

  it.each(refusals)("never refuses to speak, even with $code", ({ context, state }) => {
    const admission = admit(tell, state, { ...calm, ...context }, options);
    expect(admission).toEqual({ kind: "admitted" });
  });

  it("says how long the cool-down lasts", () => {
    const admission = admit(bounce(), repaired(10_500), calm, options);
    expect(admission).toMatchObject({
      reason: "interface/mesh0 was repaired lately: not for another 20 s",
    });
  });

  it("spends nothing with a budget of zero", () => {
    const admission = admit(bounce(), freshGuard, calm, { ...options, budgetPerHour: 0 });
    expect(admission).toMatchObject({ code: "E_BUDGET_SPENT" });
  });
});

describe("the cool-down", () => {
  it.each([
    { agoMs: [], leftMs: 0 },
    { agoMs: [0], leftMs: 30_000 },
    { agoMs: [30_000], leftMs: 0 },
    { agoMs: [100_000, 0], leftMs: 60_000 },
    { agoMs: [300_000, 100_000, 0], leftMs: 120_000 },
    { agoMs: [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], leftMs: hourMs },
    { agoMs: [hourMs, 0], leftMs: 30_000 },
    { agoMs: [hourMs], leftMs: 0 },
  ])("after repairs $agoMs ms ago: $leftMs ms", ({ agoMs, leftMs }) => {
    expect(coolDownLeftMs("interface/mesh0", repaired(...agoMs), calm.atMs, options)).toBe(leftMs);
  });

  it("counts from the newest repair, in whatever order they were learnt", () => {
    const state = { repairs: repaired(100_000, 0).repairs.toReversed() };
    expect(coolDownLeftMs("interface/mesh0", state, calm.atMs, options)).toBe(60_000);
  });

  it("of one interface holds up no other", () => {
    expect(coolDownLeftMs("interface/mesh1", repaired(0), calm.atMs, options)).toBe(0);
  });
});

describe("the last path", () => {
  const at = (...interfaces: ReturnType<typeof interfaceReading>[]) => ({
    ...calm,
    observation: observation({ interfaces }),
  });
  const works = interfaceReading();
  const dead = interfaceReading({ operState: "down" });
  const other = interfaceReading({ name: "mesh1" });
  const deadOther = interfaceReading({ name: "mesh1", operState: "down" });
  it.each([
    { claim: "is not cut by a bounce of the only one that works", context: at(works), cuts: true },
    { claim: "is not the last when another works", context: at(works, other), cuts: false },
    { claim: "is, when the others are down", context: at(works, deadOther), cuts: true },
    { claim: "is not touched by bouncing a dead one", context: at(dead, other), cuts: false },
    { claim: "cannot be cut where nothing works", context: at(dead), cuts: false },
  ])("$claim", ({ context, cuts }) => {
    const admission = admit(bounce(), freshGuard, context, options);
    expect(admission.kind === "refused" ? admission.code : null).toBe(cuts ? "E_LAST_PATH" : null);
  });

  it("is not cut by setting something up", () => {
    expect(admit(setUp, freshGuard, at(works), options)).toEqual({ kind: "admitted" });
  });

  it("is guarded against a plan that takes all of them down at once", () => {
    const both = planOf(
      { kind: "interface-down", interface: "mesh0" },
      { kind: "interface-down", interface: "mesh1" },
    );
    expect(admit(both, freshGuard, at(works, other), options)).toMatchObject({
      code: "E_LAST_PATH",
    });
  });
});

describe("the books", () => {
  it("hold each subject of a plan, and nothing for words", () => {
    expect(book(bounce(), freshGuard, 7)).toEqual({
      repairs: [{ atMs: 7, subject: "interface/mesh0" }],
    });
    expect(book(tell, freshGuard, 7)).toBe(freshGuard);
  });

  it("forget what is older than an hour", () => {
    const state = book(bounce(), repaired(hourMs, hourMs - 1), calm.atMs);
    expect(state.repairs.map(({ atMs }) => calm.atMs - atMs)).toEqual([hourMs - 1, 0]);
  });

  it("hold a recovered repair once, whether or not its record survived", () => {
    const once = bookRecovered(bounce(), freshGuard, 5_000);
    expect(once.repairs).toEqual([{ atMs: 5_000, subject: "interface/mesh0" }]);
    expect(bookRecovered(bounce(), once, 5_400)).toEqual(once);
    expect(bookRecovered(bounce("mesh1"), once, 5_000).repairs).toHaveLength(2);
    expect(bookRecovered(bounce(), once, 9_000).repairs).toHaveLength(2);
  });
});

describe("over any history", () => {
  interface Attempt {
    readonly waitMs: number;
    readonly wire: number;
  }
  const attempts = fc.array(fc.record({ waitMs: fc.nat(600_000), wire: fc.nat(4) }), {
    maxLength: 150,
  });
  const limits = fc.record({
    budgetPerHour: fc.nat(8),
    coolDownMs: fc.integer({ min: 1_000, max: hourMs }),
    confirmMs: fc.constant(10_000),
  });

  /** When each attempt that was admitted was booked, by interface. */
  function run(script: readonly Attempt[], limit: GuardOptions) {
    let state = freshGuard;
    let atMs = 0;
    const admitted: { atMs: number; wire: number }[] = [];
    for (const { waitMs, wire } of script) {
      atMs += waitMs;
      const interfaces = [interfaceReading({ name: "spare" })];
      const context = { ...calm, atMs, observation: observation({ interfaces }) };
      const plan = bounce(`w${wire}`);
      if (admit(plan, state, context, limit).kind !== "admitted") continue;
      state = book(plan, state, atMs);
      admitted.push({ atMs, wire });
      expect(state.repairs.length).toBeLessThanOrEqual(limit.budgetPerHour);
    }
    return admitted;
  }

  it("there are never more repairs in an hour than the budget, whichever hour", () => {
    fc.assert(
      fc.property(attempts, limits, (script, limit) => {
        const admitted = run(script, limit);
        for (const { atMs } of admitted) {
          const inHour = admitted.filter((one) => one.atMs > atMs - hourMs && one.atMs <= atMs);
          expect(inHour.length).toBeLessThanOrEqual(limit.budgetPerHour);
        }
      }),
    );
  });

  it("every repair of an interface waits out the cool-down, doubled for each in the hour", () => {
    fc.assert(
      fc.property(attempts, limits, (script, limit) => {
        const admitted = run(script, limit);
        for (let wire = 0; wire <= 4; wire++) {
          const times = admitted.filter((one) => one.wire === wire).map(({ atMs }) => atMs);
          for (const [nth, atMs] of times.entries()) {
            const earlier = times.slice(0, nth).filter((before) => atMs - before < hourMs);
            const last = earlier.at(-1);
            if (last === undefined) continue;
            const coolDownMs = Math.min(hourMs, limit.coolDownMs * 2 ** (earlier.length - 1));
            expect(atMs - last).toBeGreaterThanOrEqual(coolDownMs);
          }
        }
      }),
    );
  });
});
