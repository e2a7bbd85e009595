/** What holds whatever the world, the actuators, people and crashes do, in whatever order. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDisruptive } from "../../../../src/mape-k/action.ts";
import type { Decision, Mode } from "../../../../src/mape-k/decision.ts";
import { policy } from "../support/readings.ts";
import {
  failsWith,
  type InterfaceState,
  Scenario,
  staysSilent,
  succeeds,
} from "../support/scenario.ts";

const wires = ["mesh0", "mesh1", "mesh2", "mesh3"] as const;
const hourMs = 3_600_000;
const limits = { maxSymptoms: 5, maxDecisionsPerBeat: 2, budgetPerHour: 4 };

type Move =
  | { readonly kind: "set"; readonly wire: number; readonly state: InterfaceState }
  | { readonly kind: "beat"; readonly times: number }
  | { readonly kind: "blind"; readonly on: boolean }
  | { readonly kind: "apply" | "undo"; readonly how: "succeeds" | "fails" | "silent" }
  | { readonly kind: "answer"; readonly approve: boolean }
  | { readonly kind: "journal"; readonly ready: boolean }
  | { readonly kind: "wall"; readonly byMs: number }
  | { readonly kind: "crash" | "report" };

const how = fc.constantFrom("succeeds" as const, "fails" as const, "silent" as const);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      wire: fc.nat(wires.length - 1),
      state: fc.constantFrom<InterfaceState>("up", "no-carrier", "set-down", "gone"),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("beat" as const),
      times: fc.integer({ min: 1, max: 25 }),
    }),
  },
  fc.record({ kind: fc.constant("blind" as const), on: fc.boolean() }),
  fc.record({ kind: fc.constantFrom("apply" as const, "undo" as const), how }),
  fc.record({ kind: fc.constant("answer" as const), approve: fc.boolean() }),
  fc.record({ kind: fc.constant("journal" as const), ready: fc.boolean() }),
  fc.record({
    kind: fc.constant("wall" as const),
    byMs: fc.integer({ min: -hourMs, max: hourMs }),
  }),
  fc.record({ kind: fc.constantFrom("crash" as const, "report" as const) }),
);
const script = fc.array(move, { minLength: 15, maxLength: 60, size: "max" });
const mode = fc.constantFrom<Mode>("act", "confirm", "observe");

const answers = {
  succeeds,
  fails: failsWith("E_ACTION_FAILED", "it did not work"),
  silent: staysSilent,
};

const disruptive = ({ plan }: Decision) => plan.actions.some(isDisruptive);

/** A scenario that is checked at every beat, and knows when each repair was begun. */
function world(inMode: Mode) {
  const mesh = new Scenario(wires, {
    mode: inMode,
    maxSymptoms: limits.maxSymptoms,
    maxDecisionsPerBeat: limits.maxDecisionsPerBeat,
    guard: { ...policy.guard, budgetPerHour: limits.budgetPerHour },
    thresholds: { ...policy.thresholds, wantedInterfaces: ["mesh3", "mesh9"] },
  });
  const begun: { atMs: number; decision: Decision }[] = [];
  let [apply, undo] = [answers.succeeds, answers.succeeds];
  mesh.onApply = (decision, its) => {
    if (!disruptive(decision)) return succeeds(decision, its);
    begun.push({ atMs: its.now.atMs, decision });
    return apply(decision, its);
  };
  mesh.onUndo = (decision, its) => {
    for (const action of decision.plan.undo) {
      if (action.kind !== "interface-down") continue;
      // What an actuator reports is stepped before the beat's own observation, so by the last one.
      const works = its.seen.map(({ interfaces }) =>
        interfaces === null
          ? "unseen"
          : interfaces.some(
              ({ name, operState }) => name === action.interface && operState === "up",
            ),
      );
      expect(works, "an undo takes down only what is seen not to work").toContain(false);
    }
    return undo(decision, its);
  };

  /** What the executor had not yet said, it says now. */
  function report(): void {
    for (const { decision } of mesh.state.repairs.values()) {
      const { id, phase } = decision;
      const result = { ok: true, value: undefined } as const;
      if (phase === "applying") mesh.say({ kind: "applied", id, result });
      if (phase === "undoing") mesh.say({ kind: "undone", id, result });
    }
  }

  function check(decisionsBefore: number): void {
    const { tracks, settled, repairs, guard } = mesh.state;
    expect(tracks.size).toBeLessThanOrEqual(limits.maxSymptoms + 1);
    for (const key of settled.keys()) expect(tracks.has(key)).toBe(true);
    const open = [...repairs.values()].map(({ decision }) => decision);
    expect(open.filter(disruptive).length).toBeLessThanOrEqual(1);
    expect(repairs.size).toBeLessThanOrEqual(2 * limits.maxSymptoms);
    for (const { phase, timeline } of open) {
      expect(phase).not.toBe("closed");
      expect(timeline.length).toBeLessThanOrEqual(32);
    }
    expect(guard.repairs.length).toBeLessThanOrEqual(2 * limits.budgetPerHour);
    const made = mesh.decisions.length - decisionsBefore;
    expect(made).toBeLessThanOrEqual(limits.maxDecisionsPerBeat);
  }

  function beat(times: number): void {
    for (let n = 0; n < times; n++) {
      const before = mesh.decisions.length;
      mesh.beat();
      check(before);
    }
  }

  function play(one: Move): void {
    switch (one.kind) {
      case "set":
        mesh.set(wires[one.wire] ?? wires[0], one.state);
        break;
      case "beat":
        beat(one.times);
        break;
      case "blind":
        if (one.on) mesh.blind.add("interfaces");
        else mesh.blind.clear();
        break;
      case "apply":
        apply = answers[one.how];
        break;
      case "undo":
        undo = answers[one.how];
        break;
      case "answer": {
        const [id] = mesh.state.repairs.keys();
        if (id !== undefined) mesh.say({ kind: "confirmed", id, approve: one.approve });
        break;
      }
      case "journal":
        mesh.say({ kind: "journal", ready: one.ready });
        break;
      case "wall":
        mesh.wallOffsetMs += one.byMs;
        break;
      case "crash":
        mesh.crash(mesh.state.guard);
        break;
      case "report":
        report();
        break;
    }
  }

  /** All reports arrive, sensors see, and the time to verify passes: then all must be decided. */
  function comeToRest(): void {
    apply = answers.succeeds;
    undo = answers.succeeds;
    mesh.blind.clear();
    for (const name of wires) mesh.set(name, "up");
    report();
    beat(20);
    report();
    beat(5);
  }
  return { mesh, begun, play, comeToRest };
}

describe("whatever happens", () => {
  it("no step throws, all stays bounded, and every repair that was begun gets its verdict", () => {
    fc.assert(
      fc.property(mode, script, (inMode, moves) => {
        const { mesh, begun, play, comeToRest } = world(inMode);
        for (const one of moves) play(one);
        comeToRest();
        for (const { decision } of begun) {
          const last = mesh.recorded.get(decision.id);
          expect(last?.phase).toBe("closed");
          expect(last?.verdict).not.toBeNull();
        }
        expect(mesh.journal.size).toBe(0);
        if (inMode === "observe") expect(begun).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("no hour sees more repairs than the budget, and no interface one before its cool-down", () => {
    fc.assert(
      fc.property(script, (moves) => {
        const { begun, play } = world("act");
        // Without crashes and wall clocks, which the guard cannot but guess at.
        for (const one of moves) if (one.kind !== "crash") play(one);
        for (const { atMs, decision } of begun) {
          const earlier = begun.filter((one) => one.atMs <= atMs && atMs - one.atMs < hourMs);
          expect(earlier.length).toBeLessThanOrEqual(limits.budgetPerHour);
          const { subject } = decision.symptom;
          const same = earlier.filter((one) => one.decision.symptom.subject === subject);
          const last = same.at(-2);
          if (last === undefined) continue;
          const coolDownMs = policy.guard.coolDownMs * 2 ** (same.length - 2);
          expect(atMs - last.atMs).toBeGreaterThanOrEqual(Math.min(hourMs, coolDownMs));
        }
      }),
      { numRuns: 60 },
    );
  });
});
