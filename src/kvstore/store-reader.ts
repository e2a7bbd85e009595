/**
 * Reads of what is published, while the store goes on. Versions never change, so a reader that knows
 * its revision needs no lock; only compaction, or a restored store, can take a version away from
 * under it, and then it begins anew.
 */

import { failed, ok, type Result } from "../base/index.ts";
import { checkOperation } from "./check-request.ts";
import type { KeptEvent, WatchRequest } from "./event.ts";
import type { KvFault } from "./fault.ts";
import { rangeOf } from "./key.ts";
import { keyValueOf, type Version, versionBefore } from "./key-index.ts";
import { neededValues } from "./needed-values.ts";
import { finishRange, planRange, type ReadValue } from "./range.ts";
import { isReadOnly, readTransaction } from "./read-transaction.ts";
import type {
  KeyValue,
  RangeReply,
  RangeRequest,
  TransactionReply,
  TransactionRequest,
} from "./request.ts";
import type { StoreDisk } from "./store-disk.ts";
import type { StoreState } from "./store-state.ts";
import { type HistoryLimits, type HistoryPage, readHistory } from "./watch-history.ts";
import type { WatchSource } from "./watcher.ts";

/** The store as it stands at one moment. */
export interface Standing {
  readonly state: StoreState;
  /** The last published revision. */
  readonly revision: number;
  /** Resolves when the batch under way is stored; null when there is none. */
  readonly stored: Promise<void> | null;
}

export class StoreReader implements WatchSource {
  readonly #disk: StoreDisk;
  readonly #limits: HistoryLimits;
  readonly #standing: () => Standing;

  constructor(disk: StoreDisk, limits: HistoryLimits, standing: () => Standing) {
    this.#disk = disk;
    this.#limits = limits;
    this.#standing = standing;
  }

  get compactRevision(): number {
    return this.#standing().state.compactRevision;
  }

  async range(request: RangeRequest): Promise<Result<RangeReply, KvFault>> {
    const objection = checkOperation(request);
    if (objection !== null) return failed(objection);
    for (;;) {
      const { state, revision } = await this.#settled();
      const plan = planRange({ state, revision }, request);
      if (!plan.ok) return plan;
      const { items, needsValues } = plan.value;
      const needed = needsValues ? items.map(({ version }) => version) : [];
      const readValue = await this.#valuesOf(needed);
      if (readValue !== null) return ok(finishRange(plan.value, readValue));
      this.#mustHaveMoved(state, request.revision > 0 ? request.revision : revision);
    }
  }

  async transaction(request: TransactionRequest): Promise<Result<TransactionReply, KvFault>> {
    const objection = checkOperation(request);
    if (objection !== null) return failed(objection);
    if (!isReadOnly(request)) throw new Error("broken invariant: expected a read-only transaction");
    for (;;) {
      const { state, revision } = await this.#settled();
      const readValue = await this.#valuesOf(neededValues({ state, revision }, request));
      if (readValue !== null) return readTransaction({ state, revision, readValue }, request);
      this.#mustHaveMoved(state, revision);
    }
  }

  async history(request: WatchRequest, from: number, to: number): Promise<HistoryPage | null> {
    const { snapshot, layout } = this.#disk.picture();
    try {
      if (from < this.compactRevision) return null;
      const range = rangeOf(request.key, request.rangeEnd);
      return await readHistory(snapshot, layout, range, from, to, this.#limits);
    } finally {
      await snapshot.release();
    }
  }

  async previous(events: readonly KeptEvent[]): Promise<readonly (KeyValue | null)[]> {
    for (;;) {
      const { state } = this.#standing();
      const before = events.map(({ id, keyValue }) => {
        const record = state.index.get(keyValue.key);
        return record === undefined ? null : versionBefore(record, id);
      });
      const present = before.filter((version) => version !== null);
      const values = await this.#held(present);
      // A restored store has it elsewhere.
      if (this.#standing().state !== state) continue;
      return before.map((version, i) => {
        const value = version === null ? undefined : values.get(version);
        const key = events[i]?.keyValue.key ?? "";
        return version === null || value === undefined ? null : keyValueOf(key, version, value);
      });
    }
  }

  /**
   * A compaction under way may already have taken from the index what the published revision still
   * shows; whoever comes then waits for the batch.
   */
  async #settled(): Promise<Standing> {
    for (;;) {
      const standing = this.#standing();
      const { state, revision, stored } = standing;
      if (state.compactRevision <= revision || stored === null) return standing;
      await stored;
    }
  }

  /** Null when one of them is not there any more. */
  async #valuesOf(versions: readonly Version[]): Promise<ReadValue | null> {
    const known = await this.#held(versions);
    if (versions.some((version) => !known.has(version))) return null;
    return (version) => {
      const value = known.get(version);
      if (value === undefined) throw new Error("broken invariant: expected a value asked for");
      return value;
    };
  }

  /** Values from memory, or else from the storage; none where there is none any more. */
  async #held(versions: readonly Version[]): Promise<ReadonlyMap<Version, Uint8Array>> {
    const known = new Map<Version, Uint8Array>();
    const missing: Version[] = [];
    for (const version of versions) {
      if (version.valueBytes === 0) known.set(version, noValue);
      else if (version.value !== undefined) known.set(version, version.value);
      else missing.push(version);
    }
    const values = missing.length === 0 ? [] : await this.#disk.valuesOf(missing);
    for (const [i, version] of missing.entries()) {
      const value = values[i];
      if (value !== undefined) known.set(version, value);
    }
    return known;
  }

  /** A version may be gone for a reason; without one the storage has lost it. */
  #mustHaveMoved(state: StoreState, revision: number): void {
    const now = this.#standing().state;
    if (now !== state || now.compactRevision > revision) return;
    throw new Error(`the storage has lost a version that revision ${revision} needs`);
  }
}

const noValue = new Uint8Array(0);
