/**
 * What the state machine is asked to do, one thing at a time: apply, or be replaced. A picture of it
 * is taken between two batches, where core and state machine agree on what is applied; writing the
 * picture down goes on in the background.
 */

import { assert, type Clock, type Fault, fault, type Logger, messageOf } from "../../base/index.ts";
import type { RaftEvent } from "../event.ts";
import type { Entry, LogIndex, LogPosition } from "../log-entry.ts";
import type { SnapshotMeta } from "../message.ts";
import type { SnapshotStore } from "../snapshot-store.ts";
import type { StateMachine } from "../state-machine.ts";
import type { DriverOptions } from "./driver-options.ts";

export interface MachineWorkParts<Reply> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stateMachine: StateMachine<Reply>;
  readonly snapshots: SnapshotStore;
  readonly feed: (event: RaftEvent) => void;
  readonly fail: (reason: Fault) => void;
  readonly onApplied: (entries: readonly Entry[], replies: readonly Reply[]) => void;
  /** What a snapshot of now stands for; null when there is nothing new in it. */
  readonly snapshotMeta: () => SnapshotMeta | null;
}

export class MachineWork<Reply> {
  readonly #parts: MachineWorkParts<Reply>;
  readonly #options: DriverOptions;
  readonly #stopping = new AbortController();
  #applying: Promise<void> | null = null;
  #saving: { readonly done: Promise<void>; readonly cancel: AbortController } | null = null;
  #restoring: Promise<boolean> | null = null;
  #wanted = false;

  constructor(parts: MachineWorkParts<Reply>, options: DriverOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  wantSnapshot(): void {
    this.#wanted = true;
  }

  /** At the end of each turn, before the next batch is handed over. */
  takeWantedSnapshot(): void {
    if (!this.#wanted || this.#applying !== null || this.#saving !== null) return;
    const meta = this.#parts.snapshotMeta();
    // Nothing is applied that the last one does not hold: with the next batch there will be.
    if (meta === null) return;
    // Entries that the log had lost are on their way again; until then the core is behind.
    if (this.#parts.stateMachine.applied().index > meta.index) return;
    const cancel = new AbortController();
    const signal = AbortSignal.any([cancel.signal, this.#stopping.signal]);
    const { position, chunks } = this.#parts.stateMachine.snapshot(signal);
    const agreed = position.index === meta.index && position.term === meta.term;
    assert(agreed, `the state machine at ${meta.index}, where the core has it`);
    this.#wanted = false;
    const done = this.#save(meta, chunks, signal).finally(() => {
      this.#saving = null;
    });
    this.#saving = { done, cancel };
  }

  apply(entries: readonly Entry[]): void {
    assert(this.#applying === null, "one batch at a time");
    const { stateMachine, feed } = this.#parts;
    const last = entries[entries.length - 1];
    assert(last !== undefined, "a batch of one entry at least");
    // It is ahead when the log had lost entries that were applied before.
    const { index } = stateMachine.applied();
    if (last.index <= index) feed({ kind: "applied", index: last.index });
    else this.#applying = this.#apply(after(entries, index), last.index);
  }

  async #apply(entries: readonly Entry[], lastIndex: LogIndex): Promise<void> {
    const { stateMachine, onApplied, feed, fail } = this.#parts;
    try {
      const replies = await stateMachine.apply(entries);
      this.#applying = null;
      onApplied(entries, replies);
      feed({ kind: "applied", index: lastIndex });
    } catch (thrown) {
      const message = `the state machine cannot go on: ${messageOf(thrown)}`;
      fail(fault("E_STATE_MACHINE_FAILED", message, "look at the disk, then start it again"));
    }
  }

  /** A snapshot from elsewhere is about to be installed: finishes the batch, drops the picture. */
  async quiesce(): Promise<void> {
    this.#saving?.cancel.abort();
    await this.#saving?.done;
    await this.#applying;
  }

  /** Replaces the state by the latest snapshot. False when the node cannot go on. */
  restore(position: LogPosition): Promise<boolean> {
    this.#wanted = false;
    this.#restoring = this.#restore(position);
    return this.#restoring;
  }

  async #restore({ index, term }: LogPosition): Promise<boolean> {
    const { stateMachine, snapshots, fail } = this.#parts;
    const { signal } = this.#stopping;
    try {
      await stateMachine.restore({ index, term }, snapshots.read(index, signal), signal);
      return true;
    } catch (thrown) {
      // On disk it is the latest already: the next start restores from it, or says why not.
      fail(fault("E_STATE_MACHINE_FAILED", `a snapshot was not restored: ${messageOf(thrown)}`));
      return false;
    }
  }

  async #save(
    meta: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const { snapshots, feed, logger, clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    const saved = await snapshots.save(meta, chunks, signal);
    if (saved.ok) {
      const tookMs = Math.round(clock.monotonicMs() - startedMs);
      logger.info("took a snapshot of the agreed state", { index: meta.index, tookMs });
      feed({ kind: "snapshot-taken", snapshot: meta });
      return;
    }
    // Outdated: one from elsewhere was installed meanwhile.
    if (signal.aborted || saved.fault.code === "E_SNAPSHOT_OUTDATED") return;
    logger.warn("a snapshot could not be kept; it is tried again", { ...saved.fault });
    await clock.sleep(this.#options.snapshotRetryMs, signal);
    this.#wanted = true;
  }

  /** Waits for what is under way; a snapshot is broken off. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#saving?.done;
    await this.#restoring;
    await this.#applying;
  }
}

const after = (entries: readonly Entry[], index: LogIndex): readonly Entry[] =>
  (entries[0]?.index ?? 0) > index ? entries : entries.filter((entry) => entry.index > index);
