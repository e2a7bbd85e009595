/**
 * Drives the pure loop through a little world of interfaces, answers its effects as an executor
 * would, and writes down what happened as a transcript. What an effect does to the world is
 * scripted; its report reaches the loop at the next beat, as through the inbox.
 */

import { fault, ok, type Result } from "../../../../src/base/index.ts";
import { describeAction, isDisruptive } from "../../../../src/mape-k/action.ts";
import { type Decision, type DecisionId, isInForce } from "../../../../src/mape-k/decision.ts";
import type { LoopEvent } from "../../../../src/mape-k/event.ts";
import { recordObservation } from "../../../../src/mape-k/knowledge/record-observation.ts";
import { TimeSeries } from "../../../../src/mape-k/knowledge/time-series.ts";
import {
  freshState,
  type LoopPolicy,
  type LoopState,
} from "../../../../src/mape-k/loop/loop-state.ts";
import { type LoopEffect, type LoopInput, step } from "../../../../src/mape-k/loop/step.ts";
import type { Observation, SectionName } from "../../../../src/mape-k/observation.ts";
import { interfaceReading, observation, policy, startWallMs } from "./readings.ts";

export type InterfaceState = "up" | "no-carrier" | "set-down" | "gone";

/** What the executor reports; null: it says nothing (yet). */
export type Answer = (decision: Decision, scenario: Scenario) => Result<void> | null;

export const succeeds: Answer = () => ok(undefined);
export const staysSilent: Answer = () => null;
export const failsWith =
  (code: string, message: string): Answer =>
  () => ({ ok: false, fault: fault(code, message) });

export class Scenario {
  state: LoopState = freshState;
  onApply: Answer = succeeds;
  onUndo: Answer = succeeds;
  /** Sections that no sensor delivers. */
  blind = new Set<SectionName>();
  /** Further sections, as they are. */
  sections: Partial<Observation> = {};
  /** Called before each beat looks, to move its world on. */
  beforeBeat: () => void = () => {};
  wallOffsetMs = startWallMs;
  beats = 0;
  /** What was seen in this beat, and in the one before. */
  seen: readonly [Observation, Observation] = [observation(), observation()];
  readonly policy: LoopPolicy;
  /** The crash journal, as the executor would keep it. */
  readonly journal = new Map<DecisionId, Decision>();
  /** The newest record of every decision. */
  readonly recorded = new Map<DecisionId, Decision>();
  #history: TimeSeries;
  #interfaces = new Map<string, { state: InterfaceState; carrierChanges: number }>();
  #inbox: LoopInput[] = [];
  #ids = 0;
  #lines: string[] = [];
  #pending: string[] = [];

  constructor(interfaces: readonly string[], of: Partial<LoopPolicy> = {}) {
    this.policy = { ...policy, ...of };
    this.#history = freshHistory();
    for (const name of interfaces) this.#interfaces.set(name, { state: "up", carrierChanges: 1 });
  }

  get now() {
    return { atMs: this.beats * 1_000, wallMs: this.wallOffsetMs + this.beats * 1_000 };
  }

  set(name: string, state: InterfaceState): void {
    const { state: before, carrierChanges } = this.#interfaces.get(name) ?? {
      state: "gone",
      carrierChanges: 0,
    };
    if (before === state) return;
    const changed = (before === "up") !== (state === "up") ? 1 : 0;
    this.#interfaces.set(name, { state, carrierChanges: carrierChanges + changed });
    this.#pending.push(`${name} is ${state}`);
  }

  note(what: string): void {
    this.#pending.push(what);
  }

  say(input: LoopInput): void {
    this.#inbox.push(input);
  }

  answer(number: number, approve: boolean): void {
    this.note(`a person says ${approve ? "yes" : "no"} to #${number}`);
    this.say({ kind: "confirmed", id: id(number), approve });
  }

  beat(times = 1): void {
    for (let n = 0; n < times; n++) this.#beatOnce();
  }

  /** The process dies without a word; the next one finds the journal, and remembers nothing else. */
  crash(guard = freshState.guard): void {
    this.note("the process dies and starts again");
    this.state = { ...freshState, guard };
    this.#history = freshHistory();
    this.#inbox = [{ kind: "recovered", decisions: structuredClone([...this.journal.values()]) }];
  }

  decision(number: number): Decision {
    const found = this.recorded.get(id(number));
    if (found === undefined) throw new Error(`there is no decision #${number}`);
    return found;
  }

  get decisions(): readonly Decision[] {
    return [...this.recorded.values()];
  }

  /** What happened since the last transcript; beats without an event are left out. */
  transcript(): string {
    return this.#lines.splice(0).join("\n");
  }

  #see(): Observation {
    const interfaces = [...this.#interfaces]
      .filter(([, { state }]) => state !== "gone")
      .map(([name, { state, carrierChanges }]) =>
        interfaceReading({
          name,
          adminUp: state !== "set-down",
          operState: state === "up" ? "up" : "down",
          carrierChanges,
        }),
      );
    const dark = Object.fromEntries([...this.blind].map((section) => [section, null]));
    return observation({ interfaces, ...this.sections, ...dark, ...this.now, beat: this.beats });
  }

  #beatOnce(): void {
    this.beats++;
    this.beforeBeat();
    const happened = this.#pending.splice(0);
    const inputs = this.#inbox.splice(0);
    const seen = this.#see();
    this.seen = [seen, this.seen[0]];
    recordObservation(this.#history, seen);
    const effects = inputs.flatMap((input) => this.#step(input));
    effects.push(...this.#step({ kind: "observed", observation: seen, history: this.#history }));
    const lines = effects.flatMap((effect) => this.#perform(effect) ?? []);
    if (happened.length + lines.length === 0) return;
    this.#lines.push(`${this.beats}: ${happened.join(", ")}`.trimEnd());
    this.#lines.push(...lines.map((line) => `   ${line}`));
  }

  #step(input: LoopInput): readonly LoopEffect[] {
    const parts = { policy: this.policy, nextId: () => id(++this.#ids), onPhase: () => {} };
    const { state, effects } = step(this.state, input, this.now, parts);
    this.state = state;
    return effects;
  }

  #perform(effect: LoopEffect): string | null {
    if (effect.kind === "announce") return describeEvent(effect.event);
    const { decision } = effect;
    const journalled = decision.plan.actions.some(isDisruptive);
    switch (effect.kind) {
      case "record":
        this.recorded.set(decision.id, decision);
        if (isInForce(decision) && journalled) this.journal.set(decision.id, decision);
        return null;
      case "apply":
      case "undo": {
        if (journalled) this.journal.set(decision.id, decision);
        const answer = effect.kind === "apply" ? this.onApply : this.onUndo;
        const result = answer(decision, this);
        const { id: number, plan } = decision;
        if (result !== null && effect.kind === "undo") {
          this.say({ kind: "undone", id: number, result });
        } else if (result !== null) {
          // Without a journal nothing is begun, so there is nothing to take back.
          const begun = result.ok || !result.fault.code.startsWith("E_JOURNAL");
          this.say({ kind: "applied", id: number, result, undo: begun ? plan.undo : [] });
        }
        const actions = effect.kind === "apply" ? decision.plan.actions : decision.plan.undo;
        return `${effect.kind} ${decision.id}: ${actions.map(describeAction).join("; ")}`;
      }
      case "close":
        this.journal.delete(decision.id);
        return null;
      default:
        throw new Error("an effect nobody knows");
    }
  }
}

export function id(number: number): DecisionId {
  return `#${number}` as DecisionId;
}

function freshHistory(): TimeSeries {
  return new TimeSeries({ windowBeats: 120, maxSeries: 20_000 });
}

function describeEvent(event: LoopEvent): string {
  switch (event.kind) {
    case "symptom-raised":
      return `raised ${event.symptom.key}`;
    case "symptom-cleared":
      return `cleared ${event.key} after ${event.lastedMs / 1_000} s`;
    case "decision-made": {
      const { id: number, symptom, admission } = event.decision;
      const word = admission.kind === "refused" ? `refused ${admission.code}` : admission.kind;
      return `decided ${number} on ${symptom.key}: ${word}`;
    }
    case "decision-changed": {
      const { id: number, phase, timeline } = event.decision;
      return `${number} ${phase}: ${timeline.at(-1)?.what}`;
    }
    case "peer-appeared":
      return `peer ${event.peer.nodeId}`;
    case "peer-gone":
      return `peer ${event.peer.nodeId} gone: ${event.reason}`;
    case "verdict": {
      const { id: number, phase, verdict } = event.decision;
      return `${number} ${phase}, ${verdict?.outcome}: ${verdict?.reason}`;
    }
  }
}
