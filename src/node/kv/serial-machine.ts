/**
 * The store between the driver and its upkeep: applying, restoring and defragmenting take turns,
 * since each of them needs the store for itself. Knows who waits for whom.
 */

import type { LogPosition, StateMachine } from "../../consensus/index.ts";
import { asTerm, type Entry } from "../../consensus/index.ts";
import type { KvStateMachine, Reply } from "../../kvstore/index.ts";

export class SerialMachine implements StateMachine<Reply> {
  readonly #machine: KvStateMachine;
  #busy: Promise<void> | null = null;

  constructor(parts: { readonly machine: KvStateMachine }) {
    this.#machine = parts.machine;
  }

  applied(): LogPosition {
    const { index, term } = this.#machine.applied();
    return { index, term: asTerm(term) };
  }

  apply(entries: readonly Entry[]): Promise<readonly Reply[]> {
    return this.#alone(() => this.#machine.apply(entries));
  }

  snapshot(signal: AbortSignal) {
    const { position, chunks } = this.#machine.snapshot(signal);
    return { position: { index: position.index, term: asTerm(position.term) }, chunks };
  }

  restore(
    position: LogPosition,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#alone(() => this.#machine.restore(position, chunks, signal));
  }

  defragment(signal: AbortSignal): Promise<void> {
    return this.#alone(() => this.#machine.defragment(signal));
  }

  /** At once when nothing is under way, which is nearly always. */
  async #alone<Value>(work: () => Promise<Value>): Promise<Value> {
    while (this.#busy !== null) await this.#busy;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#busy = promise;
    try {
      return await work();
    } finally {
      this.#busy = null;
      resolve();
    }
  }
}
