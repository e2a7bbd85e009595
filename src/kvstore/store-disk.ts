/**
 * The store's side towards its storage: reads values back, turns changes into batches, keeps count
 * of what is stored, sweeps up after compactions, and swaps the whole store for another.
 */

import {
  assert,
  type Clock,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Result,
} from "../base/index.ts";
import type { Change } from "./apply-command.ts";
import { Unreadable } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { mixedId, type Version } from "./key-index.ts";
import type { KvStorage, StorageSnapshot, StorageWrite } from "./kv-storage.ts";
import { type DamageFault, type LoadedStore, loadStore } from "./load-store.ts";
import { readSnapshot } from "./snapshot-stream.ts";
import { decodeRoot, encodeRoot, rootKey, StorageLayout } from "./storage-layout.ts";
import type { Lease, StoreState } from "./store-state.ts";
import { encodeState, type Inventory } from "./stored-state.ts";
import { decodeVersion, encodeVersion } from "./version-record.ts";

export interface DiskOptions {
  /** After a write that the disk did not take, how long until it is tried again. */
  readonly retryMs: number;
  /** So many compacted versions go with each batch. */
  readonly sweptPerBatch: number;
}

/** What a batch of commands has changed besides the state itself. */
export interface Changes {
  readonly versions: readonly Change[];
  readonly leases: readonly LeaseChange[];
}

export type LeaseChange = { readonly id: bigint; readonly lease: Lease | null };

/** The storage as it was, and how to find something in it. */
export interface Picture {
  readonly snapshot: StorageSnapshot;
  readonly layout: StorageLayout;
}

export class StoreDisk {
  readonly #storage: KvStorage;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: DiskOptions;
  #layout = new StorageLayout(0);
  #inventory: Inventory = { versions: 0, idSum: 0 };
  #problem: string | null = null;

  constructor(
    parts: { readonly storage: KvStorage; readonly clock: Clock; readonly logger: Logger },
    options: DiskOptions,
  ) {
    this.#storage = parts.storage;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#options = options;
  }

  /** Why the last write failed; null when it did not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Reads everything back. Rejects when the storage does. */
  async open(): Promise<Result<StoreState, DamageFault>> {
    const [root] = await this.#storage.getMany([rootKey]);
    let generation = 0;
    try {
      if (root !== undefined) generation = decodeRoot(root);
    } catch (thrown) {
      if (!(thrown instanceof Unreadable)) throw thrown;
      return failed(fault("E_STORE_DAMAGED", `the stored map is damaged: ${thrown.message}`));
    }
    const layout = new StorageLayout(generation);
    const loaded = await this.#load(layout);
    if (!loaded.ok) return loaded;
    // What a restore left that did not come to its end, or that it has replaced.
    await this.#storage.clear({ first: new StorageLayout(0).all.first, end: layout.all.first });
    await this.#storage.clear({ first: layout.all.end, end: new Uint8Array([2]) });
    this.#adopt(layout, loaded.value);
    return ok(loaded.value.state);
  }

  async #load(layout: StorageLayout): Promise<Result<LoadedStore, DamageFault>> {
    const snapshot = this.#storage.snapshot();
    try {
      return await loadStore(snapshot, layout);
    } finally {
      await snapshot.release();
    }
  }

  #adopt(layout: StorageLayout, { inventory }: LoadedStore): void {
    this.#layout = layout;
    this.#inventory = inventory;
  }

  /** In the order asked for; undefined where a compaction has removed it. */
  async valuesOf(versions: readonly Version[]): Promise<(Uint8Array | undefined)[]> {
    const layout = this.#layout;
    const found = await this.#storage.getMany(versions.map((each) => layout.versionKey(each)));
    return versions.map((version, i) => {
      const bytes = found[i];
      return bytes === undefined ? undefined : decodeVersion(version, bytes).version.value;
    });
  }

  /**
   * Stores what the state has become, in one batch. A disk that does not take it is tried again
   * until it does: nothing can be answered meanwhile. Rejects when `signal` aborts.
   */
  async keep(state: StoreState, { versions, leases }: Changes, signal: AbortSignal): Promise<void> {
    const layout = this.#layout;
    const batch: StorageWrite[] = [];
    for (const { key, version } of versions) {
      this.#take(version, 1);
      const value = encodeVersion(key, version);
      batch.push({ type: "put", key: layout.versionKey(version), value });
    }
    for (const { id, lease } of leases) {
      const key = layout.leaseKey(id);
      if (lease === null) batch.push({ type: "del", key });
      else batch.push({ type: "put", key, value: encodeLease(lease) });
    }
    for (const id of state.garbage.splice(0, this.#options.sweptPerBatch)) {
      this.#take(id, -1);
      batch.push({ type: "del", key: layout.versionKey(id) });
    }
    const value = encodeState(state, this.#inventory);
    batch.push({ type: "put", key: layout.stateKey, value });
    await this.#write(batch, signal);
  }

  #take(id: Pick<Version, "modRevision" | "subRevision">, by: 1 | -1): void {
    const { versions, idSum } = this.#inventory;
    this.#inventory = { versions: versions + by, idSum: (idSum + by * mixedId(id)) | 0 };
  }

  async #write(batch: readonly StorageWrite[], signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#storage.write(batch);
        if (this.#problem !== null) this.#logger.info("the store can be written again");
        this.#problem = null;
        return;
      } catch (thrown) {
        const reason = messageOf(thrown);
        if (this.#problem === null) this.#logger.error("the store cannot be written", { reason });
        this.#problem = reason;
      }
      await this.#clock.sleep(this.#options.retryMs, signal);
      signal.throwIfAborted();
    }
  }

  /** The caller releases its snapshot. */
  picture(): Picture {
    return { snapshot: this.#storage.snapshot(), layout: this.#layout };
  }

  /**
   * Writes another store beside this one, and puts it in force when it is whole and is the state at
   * `position`: a single record decides. Rejects, and nothing has changed, when it is not.
   */
  async replace(
    position: { readonly index: number; readonly term: number },
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoreState> {
    const old = this.#layout;
    const layout = new StorageLayout(old.generation + 1);
    await this.#storage.clear(layout.all);
    for await (const page of readSnapshot(chunks, layout, signal)) {
      await this.#storage.write(page.map(([key, value]) => ({ type: "put", key, value })));
    }
    const loaded = await this.#load(layout);
    if (!loaded.ok) throw new Unreadable(loaded.fault.message);
    const { state } = loaded.value;
    const { index, term } = state.position;
    if (index !== position.index || term !== position.term) {
      throw new Unreadable(`the snapshot is of ${index}, not of ${position.index}`);
    }
    signal.throwIfAborted();
    const root = { type: "put", key: rootKey, value: encodeRoot(layout.generation) } as const;
    await this.#storage.write([root], { sync: true });
    this.#adopt(layout, loaded.value);
    await this.#storage.clear(old.all);
    return state;
  }

  /** Deletes all that compactions have left, and gives the space back. No batch may be under way. */
  async defragment(state: StoreState, signal: AbortSignal): Promise<void> {
    while (state.garbage.length > 0) {
      await this.keep(state, { versions: [], leases: [] }, signal);
      signal.throwIfAborted();
    }
    await this.#storage.compact();
  }

  async diskBytes(): Promise<number> {
    return await this.#storage.diskBytes();
  }

  async stop(): Promise<void> {
    await this.#storage.stop();
  }
}

function encodeLease({ ttlSeconds }: Lease): Uint8Array {
  assert(ttlSeconds > 0, "a lease that lasts");
  const writer = new ByteWriter(8);
  writer.varint(ttlSeconds);
  return writer.finish();
}
