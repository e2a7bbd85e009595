/**
 * What the log and the snapshot files are asked to do, in the order the core relies on: writes are
 * pipelined and confirmed in order; an installation follows the writes before it and holds up those
 * after it. A disk that cannot be trusted any more ends the node.
 */

import {
  type Clock,
  type Fault,
  fault,
  type Logger,
  messageOf,
  type NodeId,
} from "../../base/index.ts";
import type { Effect } from "../effect.ts";
import type { RaftEvent } from "../event.ts";
import type { SnapshotMeta } from "../message.ts";
import type { RaftLog } from "../raft-log.ts";
import type { SnapshotChunk, SnapshotStore } from "../snapshot-store.ts";
import type { DriverOptions } from "./driver-options.ts";

type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { readonly kind: Kind }>;

export interface DiskWorkParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: RaftLog;
  readonly snapshots: SnapshotStore;
  readonly feed: (event: RaftEvent) => void;
  readonly fail: (reason: Fault) => void;
  /** A write was confirmed, this long after it was asked for. */
  readonly onPersisted: (tookMs: number) => void;
}

export class DiskWork {
  readonly #parts: DiskWorkParts;
  readonly #options: DriverOptions;
  readonly #stopping = new AbortController();
  /** Resolves when every write issued so far is confirmed. */
  #writes: Promise<void> = Promise.resolve();
  /** An installation that later writes have to wait for. */
  #installing: Promise<void> | null = null;
  #underWay = 0;
  #issued = 0;
  /** By peer: when its last chunk was read, and how many writes had been issued by then. */
  readonly #lastChunks = new Map<NodeId, { readonly atMs: number; readonly issued: number }>();

  constructor(parts: DiskWorkParts, options: DriverOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Writes that wait for the disk. */
  get queueDepth(): number {
    return this.#underWay;
  }

  persist({ token, hardState, entries }: EffectOf<"persist">): void {
    const { log, feed, clock, onPersisted } = this.#parts;
    const issuedMs = clock.monotonicMs();
    this.#underWay++;
    this.#issued++;
    this.#writes = this.#inOrder(() => log.write({ hardState, entries })).then((done) => {
      this.#underWay--;
      if (!done) return;
      onPersisted(clock.monotonicMs() - issuedMs);
      feed({ kind: "persisted", token });
    });
  }

  compact({ upTo, snapshot }: EffectOf<"compact">): void {
    void this.#inOrder(() => this.#parts.log.compact(upTo, snapshot));
  }

  /**
   * Resolves to whether `snapshot` is the latest now, and the log continues behind it. Nothing else
   * may be writing a snapshot once `after` has resolved.
   */
  async install(snapshot: SnapshotMeta, after: Promise<void>): Promise<boolean> {
    const { log, snapshots } = this.#parts;
    const before = this.#writes;
    const installed = (async () => {
      await before;
      await after;
      const sound = await this.#guarded(() => snapshots.install(snapshot));
      if (sound !== true) return false;
      return (await this.#guarded(() => log.reset(snapshot).then(() => true))) === true;
    })();
    const hold = installed.then(() => {
      if (this.#installing === hold) this.#installing = null;
    });
    this.#installing = hold;
    return installed;
  }

  async readChunk(effect: EffectOf<"read-snapshot-chunk">): Promise<void> {
    const { snapshots, feed, logger } = this.#parts;
    const { peer, index, offset, maxBytes } = effect;
    let chunk: SnapshotChunk | null = null;
    await this.#rest(peer, offset);
    try {
      chunk = await snapshots.readChunk(index, offset, maxBytes, this.#stopping.signal);
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      logger.error("a snapshot cannot be read", { index, offset, error: messageOf(thrown) });
    }
    if (chunk === null || chunk.done) this.#lastChunks.delete(peer);
    else
      this.#lastChunks.set(peer, { atMs: this.#parts.clock.monotonicMs(), issued: this.#issued });
    feed({ kind: "snapshot-chunk-read", peer, index, offset, chunk });
  }

  /**
   * Whoever catches up must not slow down those who work: while anything is written, a transfer rests
   * between two chunks in proportion to what the last one took to be read, sent and stored.
   */
  async #rest(peer: NodeId, offset: number): Promise<void> {
    const last = this.#lastChunks.get(peer);
    if (last === undefined || offset === 0 || last.issued === this.#issued) return;
    const { snapshotRestRatio, maxSnapshotRestMs } = this.#options;
    const tookMs = this.#parts.clock.monotonicMs() - last.atMs;
    const restMs = Math.min(maxSnapshotRestMs, tookMs * snapshotRestRatio);
    await this.#parts.clock.sleep(restMs, this.#stopping.signal);
  }

  /** Until it is written: the core waits for this chunk and no other. */
  async writeChunk({ index, offset, bytes }: EffectOf<"write-snapshot-chunk">): Promise<void> {
    const { snapshots, feed, logger, clock } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await snapshots.writeChunk(index, offset, bytes);
        feed({ kind: "snapshot-chunk-written", index, offset });
        return;
      } catch (thrown) {
        logger.warn("a received snapshot cannot be stored", { index, error: messageOf(thrown) });
        await clock.sleep(this.#options.snapshotRetryMs / 10, signal);
      }
    }
  }

  /** Waits for the writes under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#installing;
    await this.#writes;
  }

  /** Behind an installation, if one is under way. False when the disk failed. */
  #inOrder(work: () => Promise<void>): Promise<boolean> {
    const run = () => this.#guarded(() => work().then(() => true)).then((done) => done === true);
    return this.#installing === null ? run() : this.#installing.then(run);
  }

  async #guarded<Value>(work: () => Promise<Value>): Promise<Value | null> {
    try {
      return await work();
    } catch (thrown) {
      const message = `the disk cannot be trusted any more: ${messageOf(thrown)}`;
      const remedy = "look at the disk; started again, the node repairs what it can";
      this.#parts.fail(fault("E_LOG_FAILED", message, remedy));
      return null;
    }
  }
}
