/**
 * Those who use one node: they remember what any client had been shown when they asked, and check that
 * no answer falls behind it.
 */

import type { NodeId } from "../../src/base/index.ts";
import type { Effect, Entry, LogIndex, RequestId, Term } from "../../src/consensus/index.ts";
import type { History, MachineState } from "./history.ts";
import { mustHold } from "./violation.ts";

export interface NodeCounts {
  writes: number;
  reads: number;
  refused: number;
  crashes: number;
  elections: number;
  snapshotsInstalled: number;
  memberships: number;
  /** Runs that ended without a sound quorum to mend them. */
  excused: number;
}

interface Operation {
  readonly floorRevision: number;
  /** The command's number; 0 for reads. */
  readonly number: number;
}

export class SimulatedClients {
  /** The writes they were told had succeeded. */
  readonly acknowledged: number[] = [];
  readonly #id: NodeId;
  readonly #history: History;
  readonly #counts: NodeCounts;
  readonly #operations = new Map<RequestId, Operation>();
  /** Accepted writes by index, waiting to be applied. */
  readonly #accepted = new Map<LogIndex, { term: Term; operation: Operation }>();

  constructor(id: NodeId, history: History, counts: NodeCounts) {
    this.#id = id;
    this.#history = history;
    this.#counts = counts;
  }

  begin(id: RequestId, number: number): void {
    this.#operations.set(id, { floorRevision: this.#history.shownRevision, number });
  }

  /** The node went down: nobody learns what became of what was asked. */
  forget(): void {
    this.#operations.clear();
    this.#accepted.clear();
  }

  /** A snapshot skipped entries: nobody learns what became of writes among them. */
  forgetAccepted(): void {
    this.#accepted.clear();
  }

  onRefused(id: RequestId): void {
    this.#counts.refused++;
    this.#operations.delete(id);
  }

  onAccepted({ id, term, firstIndex }: Extract<Effect, { kind: "accepted" }>): void {
    const operation = this.#operations.get(id);
    if (operation === undefined) return;
    this.#operations.delete(id);
    this.#accepted.set(firstIndex, { term, operation });
  }

  onApplied(entry: Entry, machine: MachineState): void {
    const waiting = this.#accepted.get(entry.index);
    if (waiting === undefined) return;
    this.#accepted.delete(entry.index);
    // Another leader's entry took its place: the write failed, and the client hears so.
    if (waiting.term !== entry.term) return;
    const { operation } = waiting;
    this.#counts.writes++;
    this.acknowledged.push(operation.number);
    this.#history.checkWrite(this.#id, operation.floorRevision, machine.revision);
  }

  onReadReady(effect: Extract<Effect, { kind: "read-ready" }>, machine: MachineState): void {
    const { id, readIndex } = effect;
    const operation = this.#operations.get(id);
    if (operation === undefined) return;
    this.#operations.delete(id);
    mustHold(
      machine.appliedIndex >= readIndex,
      "linearizable reads",
      () => `${this.#id} may read at ${readIndex} and has applied ${machine.appliedIndex}`,
    );
    this.#counts.reads++;
    this.#history.checkRead(this.#id, operation.floorRevision, machine.revision);
  }
}
