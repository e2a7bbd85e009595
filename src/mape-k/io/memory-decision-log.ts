/** Decisions in memory: for simulations and tests. It copies, as a disk would. */

import { failed, fault, ok, type Result } from "../../base/index.ts";
import type { Decision, DecisionId } from "../decision.ts";
import type { DecisionLog, DecisionLogFault, DecisionQuery } from "../knowledge/decision-log.ts";

type Outcome<Value> = Promise<Result<Value, DecisionLogFault>>;

const stopped = "the decision log is closed";

export class MemoryDecisionLog implements DecisionLog {
  readonly #records = new Map<DecisionId, Decision>();
  #open = true;

  async put(decision: Decision): Outcome<void> {
    if (!this.#open) return failed(fault("E_STORAGE_WRITE", stopped));
    this.#records.set(decision.id, structuredClone(decision));
    return ok(undefined);
  }

  async get(id: DecisionId): Outcome<Decision | null> {
    if (!this.#open) return failed(fault("E_STORAGE_READ", stopped));
    return ok(structuredClone(this.#records.get(id) ?? null));
  }

  async list(query: DecisionQuery): Outcome<readonly Decision[]> {
    if (!this.#open) return failed(fault("E_STORAGE_READ", stopped));
    const { before, limit } = query;
    const ids = this.#newestFirst().filter((id) => before === undefined || id < before);
    const found = ids.slice(0, Math.max(0, limit)).map((id) => this.#records.get(id));
    return ok(structuredClone(found.filter((decision) => decision !== undefined)));
  }

  async prune(keep: number): Outcome<number> {
    if (!this.#open) return failed(fault("E_STORAGE_WRITE", stopped));
    const excess = this.#newestFirst().slice(Math.max(0, keep));
    for (const id of excess) this.#records.delete(id);
    return ok(excess.length);
  }

  async stop(): Promise<void> {
    this.#open = false;
  }

  #newestFirst(): DecisionId[] {
    return [...this.#records.keys()].sort().reverse();
  }
}
