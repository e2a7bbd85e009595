/** The action journal in memory: for simulations and tests. What a crash would keep, `recover` tells. */

import { type Fault, failed, fault, ok, type Result } from "../../base/index.ts";
import type { DecisionId } from "../decision.ts";
import type { ActionJournal, OpenAction } from "../execute/action-journal.ts";

export class MemoryActionJournal implements ActionJournal {
  readonly capacity: number;
  readonly #entries = new Map<DecisionId, OpenAction>();
  #open = true;

  constructor(options: { readonly capacity: number }) {
    this.capacity = options.capacity;
  }

  async open(
    entry: OpenAction,
  ): Promise<Result<void, Fault<"E_JOURNAL_FULL" | "E_JOURNAL_WRITE">>> {
    if (!this.#open) return failed(fault("E_JOURNAL_WRITE", "the journal is closed"));
    const { id } = entry.decision;
    if (!this.#entries.has(id) && this.#entries.size >= this.capacity) {
      const message = `${this.capacity} actions are open; none can be added`;
      return failed(fault("E_JOURNAL_FULL", message));
    }
    // Removed first: the newest stands last, as in the file.
    this.#entries.delete(id);
    this.#entries.set(id, structuredClone(entry));
    return ok(undefined);
  }

  async close(id: DecisionId): Promise<Result<void, Fault<"E_JOURNAL_WRITE">>> {
    if (!this.#open) return failed(fault("E_JOURNAL_WRITE", "the journal is closed"));
    this.#entries.delete(id);
    return ok(undefined);
  }

  async recover(): Promise<Result<readonly OpenAction[], Fault<"E_JOURNAL_READ">>> {
    if (!this.#open) return failed(fault("E_JOURNAL_READ", "the journal is closed"));
    return ok(structuredClone([...this.#entries.values()]));
  }

  async stop(): Promise<void> {
    this.#open = false;
  }
}
