/**
 * One node's store: the production state machine on a storage in memory, which a crash takes back by
 * some batches, as it does with a storage that is not synced.
 */

import { messageOf, silentLogger } from "../../../src/base/index.ts";
import type { Entry, LogIndex, LogPosition } from "../../../src/consensus/index.ts";
import type { KvStateMachine, LeaseClock, Reply } from "../../../src/kvstore/index.ts";
import type { MemoryStorage } from "../../../src/kvstore/io/index.ts";
import type { Chance } from "../chance.ts";
import { Violation } from "../violation.ts";

/** The store under test: production's, or a copy with a bug planted in it. */
export type StoreCode = typeof import("../../../src/kvstore/index.ts") & {
  readonly MemoryStorage: typeof MemoryStorage;
};

export interface StorePorts {
  readonly code: StoreCode;
  readonly chance: Chance;
  /** Whole snapshots by their index: by agreement all of one index show the same. */
  readonly snapshots: Map<LogIndex, { readonly term: number; readonly bytes: Uint8Array }>;
  /** The world goes on when it has resolved. */
  settle(work: Promise<void>): void;
  onApplied(store: SimulatedStore, entries: readonly Entry[], replies: readonly Reply[]): void;
}

const never = new AbortController().signal;
const stillClock = { monotonicMs: () => 0, wallMs: () => 0, sleep: () => Promise.resolve() };

export class SimulatedStore {
  readonly name: string;
  machine: KvStateMachine | null = null;
  clock: LeaseClock;
  readonly #ports: StorePorts;
  readonly #storage: MemoryStorage;
  /** Where each batch that may be taken back ended, on top of what cannot. */
  #ends: LogIndex[] = [0];
  #work: Promise<void> = Promise.resolve();

  constructor(name: string, ports: StorePorts) {
    this.name = name;
    this.#ports = ports;
    this.#storage = new ports.code.MemoryStorage({ undoableBatches: 100_000 });
    this.clock = this.#newClock();
  }

  #newClock(): LeaseClock {
    return new this.#ports.code.LeaseClock({ leases: () => this.machine?.leases() ?? new Map() });
  }

  /** Tasks of one node follow each other, and all are done before anything else happens. */
  enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(task);
    this.#ports.settle(this.#work);
  }

  crash(): void {
    this.machine = null;
    this.clock = this.#newClock();
  }

  /** Comes back as it was at some batch between these, or from the snapshot of `oldest`. */
  start(oldest: LogIndex, newest: LogIndex): LogIndex {
    const wanted = oldest + this.#ports.chance.below(Math.max(0, newest - oldest) + 1);
    while ((this.#ends.at(-1) ?? 0) > wanted && this.#ends.length > 1) {
      this.#ends.pop();
      if (this.#storage.takeBack(1) !== 1) throw new Error("a batch is there to be taken back");
    }
    const { code } = this.#ports;
    const parts = { storage: this.#storage, clock: stillClock, logger: silentLogger };
    const small = { cacheBytes: 200, recentEvents: 6, answerEvents: 3, sweptPerBatch: 4 };
    const machine = new code.KvStateMachine(parts, { ...code.defaultKvOptions, ...small });
    this.machine = machine;
    const end = this.#ends.at(-1) ?? 0;
    this.enqueue(async () => {
      const started = await machine.start();
      if (!started.ok) throw new Violation("store recovery", started.fault.message);
      const applied: LogPosition = machine.applied();
      if (applied.index !== end) {
        throw new Violation("applied with the data", `${applied.index}, not ${end}`);
      }
    });
    if (end >= oldest) return end;
    this.restore(oldest);
    return oldest;
  }

  restore(index: LogIndex): void {
    const { machine } = this;
    const stored = this.#ports.snapshots.get(index);
    if (stored === undefined || machine === null)
      throw new Error("a snapshot is there, and a node");
    this.#ends = [index];
    const { term, bytes } = stored;
    this.enqueue(async () => {
      try {
        await machine.restore({ index, term }, chunksOf(bytes), never);
      } catch (thrown) {
        throw new Violation("snapshots arrive whole", messageOf(thrown));
      }
    });
  }

  apply(entries: readonly Entry[]): void {
    const { machine } = this;
    if (machine === null) return;
    const stripped = entries.map((entry) =>
      // The observer's number of the command stands before it.
      entry.kind === "command" ? { ...entry, command: entry.command.subarray(4) } : entry,
    );
    this.#ends.push(entries.at(-1)?.index ?? 0);
    this.enqueue(async () => {
      const replies = await machine.apply(stripped);
      this.#ports.onApplied(this, entries, replies);
    });
  }

  /** False when the store has gone on from `index` already. */
  takeSnapshot(index: LogIndex): boolean {
    const { machine } = this;
    if (machine === null || this.#ends.at(-1) !== index) return false;
    if (this.#ports.snapshots.has(index)) return true;
    this.enqueue(async () => {
      const { position, chunks } = machine.snapshot(never);
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      const bytes = new Uint8Array(Buffer.concat(parts));
      this.#ports.snapshots.set(position.index, { term: position.term, bytes });
    });
    return true;
  }
}

async function* chunksOf(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 500) yield bytes.subarray(at, at + 500);
}
