/**
 * Carries decisions out, one after the other, and reports what became of them. Before a disruptive
 * action begins it stands in the crash journal, on disk; it is struck out when its decision closes.
 */

import {
  type Clock,
  type Fault,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Result,
} from "../../base/index.ts";
import { type Action, type HandledKind, handledKind, isDisruptive, undoOf } from "../action.ts";
import type { Decision, DecisionId } from "../decision.ts";
import type { ActionJournal } from "./action-journal.ts";
import type { Actuator } from "./actuator.ts";

export type ExecutionReport =
  | {
      readonly kind: "applied";
      readonly id: DecisionId;
      readonly result: Result<void, Fault>;
      /** What takes back what was begun, as read right before; empty when nothing was begun. */
      readonly undo: readonly Action[];
    }
  | { readonly kind: "undone"; readonly id: DecisionId; readonly result: Result<void, Fault> }
  | { readonly kind: "journal"; readonly ready: boolean };

export interface ExecutorParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly actuators: readonly Actuator[];
  readonly journal: ActionJournal;
  /** Must not block; called from the executor's own turn. */
  readonly report: (report: ExecutionReport) => void;
  readonly onAction?: (action: Action, result: Result<void, Fault>) => void;
}

/** An actuator puts right what it broke off; after this long it never will. */
const graceMs = 60_000;
/** Between two attempts to strike out what could not be struck out. */
const retryMs = 10_000;

export class Executor {
  readonly #parts: ExecutorParts;
  readonly #actuators = new Map<HandledKind, Actuator>();
  readonly #timeoutMs: number;
  readonly #stopping = new AbortController();
  #tail: Promise<void> = Promise.resolve();
  #journalReady = true;

  constructor(parts: ExecutorParts, options: { readonly actionTimeoutMs: number }) {
    this.#parts = parts;
    this.#timeoutMs = options.actionTimeoutMs;
    for (const actuator of parts.actuators) {
      for (const kind of actuator.kinds) this.#actuators.set(kind, actuator);
    }
  }

  get actionKinds(): ReadonlySet<HandledKind> {
    return new Set(this.#actuators.keys());
  }

  apply(decision: Decision): void {
    this.#enqueue(async () => {
      const { result, undo } = await this.#applyJournalled(decision);
      this.#reportUnlessStopping({ kind: "applied", id: decision.id, result, undo });
    });
  }

  undo(decision: Decision): void {
    this.#enqueue(async () => {
      // Whatever the journal says: what was done has to be taken back.
      await this.#write(decision);
      const result = await outcomeOf(() => this.#carryOut(decision.plan.undo));
      this.#reportUnlessStopping({ kind: "undone", id: decision.id, result });
    });
  }

  /** Keeps the journal's entry in step with a decision that is under way. */
  note(decision: Decision): void {
    if (!isJournalled(decision)) return;
    this.#enqueue(async () => {
      await this.#write(decision);
    });
  }

  close(decision: Decision): void {
    if (isJournalled(decision)) this.#strikeOut(decision.id);
  }

  /**
   * Done even while stopping, or the next start would take up what is closed. One that fails is tried
   * again: without it nothing would ever learn that the journal can be written once more.
   */
  #strikeOut(id: DecisionId): void {
    this.#enqueue(
      async () => {
        const struck = await this.#journalled(() => this.#parts.journal.close(id));
        if (struck.ok || this.#stopping.signal.aborted) return;
        void this.#parts.clock.sleep(retryMs, this.#stopping.signal).then(() => {
          this.#strikeOut(id);
        });
      },
      { evenStopping: true },
    );
  }

  /** Ends the running action (which leaves its undo in the journal) and what waits behind it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#tail;
  }

  /** What takes it back is read first and written to the journal, and only then it begins. */
  async #applyJournalled(
    decision: Decision,
  ): Promise<{ result: Result<void, Fault>; undo: readonly Action[] }> {
    const { plan } = decision;
    const undo = await this.#readUndo(plan.actions);
    if (!undo.ok) return { result: undo, undo: [] };
    if (isJournalled(decision)) {
      const written = await this.#write({ ...decision, plan: { ...plan, undo: undo.value } });
      if (!written.ok) return { result: written, undo: [] };
    }
    const result = await outcomeOf(() => this.#carryOut(plan.actions));
    return { result, undo: undo.value };
  }

  /** Last done, first undone. */
  async #readUndo(actions: readonly Action[]): Promise<Result<readonly Action[], Fault>> {
    const undo: Action[] = [];
    for (const action of actions.filter(isDisruptive)) {
      const known = undoOf(action);
      const read = known === null ? await this.#readOneUndo(action) : ok(known);
      if (!read.ok) return read;
      undo.unshift(read.value);
    }
    return ok(undo);
  }

  #readOneUndo(action: Action): Promise<Result<Action, Fault>> {
    return this.#bounded(action, async (actuator, signal) =>
      actuator.undoFor === undefined
        ? failed(fault("E_NO_CAPABILITY", `nothing here can take back "${action.kind}"`))
        : actuator.undoFor(action, signal),
    );
  }

  #write(decision: Decision): Promise<Result<void, Fault>> {
    return this.#journalled(() => this.#parts.journal.open({ decision }));
  }

  async #journalled(operation: () => Promise<Result<void, Fault>>): Promise<Result<void, Fault>> {
    const result = await outcomeOf(operation, "E_JOURNAL_WRITE");
    this.#parts.report({ kind: "journal", ready: result.ok });
    if (!result.ok && this.#journalReady) {
      this.#parts.logger.error("crash journal", { fault: result.fault });
    }
    this.#journalReady = result.ok;
    return result;
  }

  async #carryOut(actions: readonly Action[]): Promise<Result<void, Fault>> {
    for (const action of actions) {
      const result = await this.#bounded(action, (actuator, signal) =>
        actuator.apply(action, signal),
      );
      this.#parts.onAction?.(action, result);
      if (!result.ok) return result;
    }
    return ok(undefined);
  }

  /** Gives its actuator a bounded time. */
  async #bounded<Value>(
    action: Action,
    work: (actuator: Actuator, signal: AbortSignal) => Promise<Result<Value, Fault>>,
  ): Promise<Result<Value, Fault>> {
    const actuator = this.#actuators.get(handledKind(action));
    if (actuator === undefined) {
      return failed(fault("E_NO_CAPABILITY", `nothing here can do "${action.kind}"`));
    }
    const { clock } = this.#parts;
    const ended = new AbortController();
    const settled = new AbortController();
    const abort = () => ended.abort();
    this.#stopping.signal.addEventListener("abort", abort, { once: true });
    if (this.#stopping.signal.aborted) abort();
    const overdue = clock.sleep(this.#timeoutMs, ended.signal).then(async () => {
      abort();
      await clock.sleep(graceMs, settled.signal);
      const waitedMs = this.#timeoutMs + graceMs;
      return failed(fault("E_ACTION_TIMEOUT", `"${action.kind}" did not end in ${waitedMs} ms`));
    });
    try {
      return await Promise.race([outcomeOf(() => work(actuator, ended.signal)), overdue]);
    } finally {
      this.#stopping.signal.removeEventListener("abort", abort);
      settled.abort();
      abort();
      await overdue;
    }
  }

  /** What a stop broke off has no result: the journal keeps it for the next start. */
  #reportUnlessStopping(report: ExecutionReport): void {
    if (!this.#stopping.signal.aborted) this.#parts.report(report);
  }

  #enqueue(task: () => Promise<void>, { evenStopping } = { evenStopping: false }): void {
    this.#tail = this.#tail.then(async () => {
      if (this.#stopping.signal.aborted && !evenStopping) return;
      try {
        await task();
      } catch (thrown) {
        this.#parts.logger.error("the executor failed", { error: messageOf(thrown) });
      }
    });
  }
}

/** What throws (a bug in an adapter) has failed too: a repair must not wait for ever for its result. */
async function outcomeOf<Value>(
  work: () => Promise<Result<Value, Fault>>,
  code = "E_ACTION_FAILED",
): Promise<Result<Value, Fault>> {
  try {
    return await work();
  } catch (thrown) {
    return failed(fault(code, messageOf(thrown)));
  }
}

function isJournalled(decision: Decision): boolean {
  return decision.plan.actions.some(isDisruptive);
}
