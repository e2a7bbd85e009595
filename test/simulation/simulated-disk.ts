/**
 * One node's disk, at the level of the RaftLog and SnapshotStore ports. Knows what a real one does
 * to those who trust it too early: a write that was not synced survives a crash in part or not at
 * all, a full disk keeps writes waiting, and a synced entry may rot.
 *
 * A real log is a file of checksummed records that recovery reads up to the first hole. Whatever
 * subset of unsynced sectors survives, what counts is therefore a prefix of the unsynced records; a
 * write torn in the middle keeps a prefix of its entries.
 */

import type {
  Effect,
  Entry,
  HardState,
  LogIndex,
  LogPosition,
  Recovered,
  SnapshotMeta,
} from "../../src/consensus/index.ts";
import type { Chance } from "./chance.ts";

type Persist = Extract<Effect, { kind: "persist" }>;

type Write =
  | Persist
  | { readonly kind: "install"; readonly stored: StoredSnapshot }
  | { readonly kind: "compact"; readonly upTo: LogPosition };

export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

export interface DiskPorts {
  readonly chance: Chance;
  plan(delayMs: number, run: () => void): void;
  onPersisted(token: number): void;
  onInstalled(stored: StoredSnapshot): void;
}

export class SimulatedDisk {
  hardState: HardState;
  base: LogPosition;
  readonly entries: Entry[];
  /** Newest last; the one before is kept for transfers under way. */
  snapshots: StoredSnapshot[] = [];
  slowness = 1;
  full = false;
  /** Entries that were acknowledged and then rotted: durable in the past tense. */
  readonly rotted = new Set<Entry>();
  readonly #ports: DiskPorts;
  #waiting: Write[] = [];
  #syncing: Write[] = [];
  /** Raised by a crash, so that a sync under way then confirms nothing. */
  #epoch = 0;

  constructor(recovered: Recovered, ports: DiskPorts) {
    this.hardState = recovered.hardState;
    this.base = recovered.base;
    this.entries = [...recovered.entries];
    this.#ports = ports;
  }

  get lastIndex(): LogIndex {
    return this.base.index + this.entries.length;
  }

  entryAt(index: LogIndex): Entry | undefined {
    return this.entries[index - this.base.index - 1];
  }

  get snapshot(): StoredSnapshot | undefined {
    return this.snapshots[this.snapshots.length - 1];
  }

  /** True when `entry`, and with it all before, is synced here, itself or in a snapshot. */
  holds(entry: Entry): boolean {
    if (this.rotted.has(entry)) return true;
    if (entry.index <= (this.snapshot?.meta.index ?? 0)) return true;
    return this.entryAt(entry.index) === entry;
  }

  write(write: Write): void {
    this.#waiting.push(write);
    this.#sync();
  }

  /** A full disk takes nothing; when there is room again, what waited goes on. */
  setFull(full: boolean): void {
    this.full = full;
    this.#sync();
  }

  /** Group commit: one sync at a time, and all that waits goes into the next. */
  #sync(): void {
    if (this.full || this.#syncing.length > 0 || this.#waiting.length === 0) return;
    this.#syncing = this.#waiting;
    this.#waiting = [];
    const epoch = this.#epoch;
    const { chance } = this.#ports;
    this.#ports.plan(this.slowness * chance.between(0.2, 3), () => {
      if (epoch !== this.#epoch) return;
      const done = this.#syncing;
      this.#syncing = [];
      let token = 0;
      for (const write of done) {
        this.#carryOut(write, Number.POSITIVE_INFINITY);
        if (write.kind === "persist") token = write.token;
      }
      this.#sync();
      if (token > 0) this.#ports.onPersisted(token);
      for (const write of done) {
        if (write.kind === "install") this.#ports.onInstalled(write.stored);
      }
    });
  }

  #carryOut(write: Write, maxEntries: number): void {
    if (write.kind === "install") {
      const { meta } = write.stored;
      this.base = { index: meta.index, term: meta.term };
      this.entries.length = 0;
      this.keepSnapshot(write.stored);
    } else if (write.kind === "compact") {
      // An installed snapshot may have overtaken it.
      const count = write.upTo.index - this.base.index;
      if (count <= 0) return;
      this.entries.splice(0, count);
      this.base = { index: write.upTo.index, term: write.upTo.term };
    } else {
      if (write.hardState !== null) this.hardState = write.hardState;
      const [first] = write.entries;
      if (first === undefined || maxEntries === 0) return;
      this.entries.length = first.index - this.base.index - 1;
      this.entries.push(...write.entries.slice(0, maxEntries));
    }
  }

  keepSnapshot(stored: StoredSnapshot): void {
    this.snapshots = [...this.snapshots.slice(-1), stored];
  }

  /** Power fails: of what was not synced, a prefix survives, the last record of it torn. */
  crash(): void {
    this.#epoch++;
    const { chance } = this.#ports;
    const unsynced = [...this.#syncing, ...this.#waiting];
    this.#syncing = [];
    this.#waiting = [];
    let survive = chance.happens(0.5);
    for (const write of unsynced) {
      if (!survive) break;
      survive = chance.happens(0.6);
      const torn = !survive && write.kind === "persist";
      const kept = torn ? chance.below(write.entries.length + 1) : Number.POSITIVE_INFINITY;
      this.#carryOut(write, kept);
    }
  }

  /**
   * The entry at `index` cannot be read any more: recovery keeps what is before it and remembers,
   * durably, how far the log had gone, if the damage left that readable.
   */
  rot(index: LogIndex, lastIndexReadable: boolean): void {
    const { lastIndex } = this;
    for (const entry of this.entries.splice(index - this.base.index - 1)) this.rotted.add(entry);
    const earlier = this.hardState.repair;
    const known = lastIndexReadable && (earlier === null || earlier.lastIndex !== null);
    this.hardState = {
      ...this.hardState,
      repair: {
        term: this.hardState.term,
        lastIndex: known ? Math.max(lastIndex, earlier?.lastIndex ?? 0) : null,
      },
    };
  }

  recovered(appliedIndex: LogIndex): Recovered {
    const { hardState, base, entries, snapshot } = this;
    return {
      hardState,
      base,
      entries: [...entries],
      snapshot: snapshot?.meta ?? null,
      appliedIndex,
    };
  }
}
