/**
 * The durable Raft log: segments of checksummed frames, and group commit. One write is under way at
 * a time; all that arrives meanwhile goes into the next, as one buffer, one system call, one flush.
 *
 * A failed write leaves open what is on the disk, and asking again could be answered from memory
 * (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020): the log is then broken
 * for good and says so to everybody. Want of room is another matter; it is waited for.
 */

import {
  assert,
  type Clock,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Random,
  type Result,
} from "../../base/index.ts";
import type { LogPosition } from "../log-entry.ts";
import type { SnapshotMeta } from "../message.ts";
import type { LogWrite, RaftLog, RecoveredLog } from "../raft-log.ts";
import { type FileSystem, isNoRoom, nodeFileSystem } from "./file-system.ts";
import type { LogState } from "./log-frame.ts";
import { recoverLog } from "./log-recovery.ts";
import type { LogWriter } from "./log-writer.ts";
import { SegmentFolder } from "./segment-folder.ts";
import { ownerDigest } from "./segment-header.ts";
import { type Group, type Waiting, WriteQueue } from "./write-queue.ts";

export interface SegmentedLogParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly fileSystem?: FileSystem;
}

export interface SegmentedLogOptions {
  /** The caller holds the lock on it: two processes must not write one log. */
  readonly folder: string;
  readonly clusterId: string;
  readonly nodeId: string;
  /** Whether there may be no log yet. False for a node that has been a member: E_LOG_MISSING. */
  readonly mayCreate: boolean;
  /** Size of a segment file, in bytes. */
  readonly segmentBytes?: number;
  /** How long after the last write it is noted, outside of any wait, that all is synced. */
  readonly markAfterMs?: number;
  /** How often a full disk is tried again. */
  readonly retryMs?: number;
}

/** Small enough for a board's flash, large enough that moving on is rare. */
const defaultSegmentBytes = 16 << 20;

export class SegmentedLog implements RaftLog {
  readonly #parts: SegmentedLogParts;
  readonly #folder: SegmentFolder;
  readonly #options: SegmentedLogOptions;
  readonly #stopping = new AbortController();
  #writer: LogWriter | null = null;
  /** As the last group on its way says it. */
  #state: LogState | null = null;
  readonly #queue = new WriteQueue();
  /** Waiters of the group on its way. */
  #underWay: readonly Waiting[] = [];
  #running: Promise<void> | null = null;
  #broken: Error | null = null;
  #full = false;
  #onFull: (full: boolean) => void = () => {};
  /** Ends a wait for room early. */
  #news = new AbortController();
  #marked = true;
  #markPlanned = false;

  constructor(parts: SegmentedLogParts, options: SegmentedLogOptions) {
    const { fileSystem = nodeFileSystem, logger } = parts;
    const { folder, segmentBytes = defaultSegmentBytes } = options;
    this.#parts = parts;
    this.#options = options;
    this.#folder = new SegmentFolder({ fileSystem, logger }, { folder, segmentBytes });
  }

  /** Files in use; for the operator. */
  get segmentCount(): number {
    return this.#writer?.segmentCount ?? 0;
  }

  /**
   * Faults besides the port's: E_LOG_MISSING, E_LOG_FOREIGN (another node's or cluster's),
   * E_LOG_VERSION, E_LOG_FULL (no room to begin or repair a log), E_LOG_READ.
   */
  async recover(snapshot: SnapshotMeta | null): Promise<Result<RecoveredLog>> {
    assert(this.#writer === null, "one recovery, before anything else");
    const { clusterId, nodeId, folder, mayCreate } = this.#options;
    const owner = ownerDigest(clusterId, nodeId);
    const { random, logger } = this.#parts;
    try {
      const parts = { folder: this.#folder, random, logger, owner };
      const recovered = await recoverLog(parts, snapshot, mayCreate);
      if (!recovered.ok) return recovered;
      const { log, writer } = recovered.value;
      this.#writer = writer;
      const lastIndex = log.base.index + log.entries.length;
      this.#state = { hardState: log.hardState, base: log.base, lastIndex };
      this.#folder.prepareSpare();
      this.#marked = false;
      void this.#markLater();
      return ok(log);
    } catch (thrown) {
      return failed(fault("E_LOG_READ", `cannot read the log in ${folder}: ${messageOf(thrown)}`));
    }
  }

  write(write: LogWrite): Promise<void> {
    return this.#enqueue((waiting) => this.#queue.addWrite(write, waiting));
  }

  reset({ index, term }: SnapshotMeta): Promise<void> {
    return this.#enqueue((waiting) => this.#queue.addReset({ index, term }, waiting));
  }

  compact({ index, term }: LogPosition, _snapshot: SnapshotMeta): Promise<void> {
    return this.#enqueue((waiting) => this.#queue.addCompaction({ index, term }, waiting));
  }

  onFull(listener: (full: boolean) => void): void {
    this.#onFull = listener;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#news.abort();
    await this.#running;
    try {
      if (this.#writer !== null && this.#state !== null && this.#broken === null) {
        if (!this.#marked) await this.#writer.mark(this.#state);
        await this.#writer.sync();
      }
      await this.#writer?.close();
    } catch (thrown) {
      this.#parts.logger.error("the Raft log did not close", { reason: messageOf(thrown) });
    }
    this.#fail(new Error("the Raft log is stopped"));
  }

  #enqueue(add: (waiting: Waiting) => void): Promise<void> {
    assert(this.#writer !== null, "a recovery before anything is written");
    if (this.#broken !== null) return Promise.reject(this.#broken);
    if (this.#stopping.signal.aborted) return Promise.reject(new Error("the Raft log is stopped"));
    return new Promise((resolve, reject) => {
      add({ resolve, reject });
      if (this.#full) this.#news.abort();
      if (this.#running !== null) return;
      // After everything that is ready to run by now: it belongs into the same group.
      this.#running = new Promise<void>((begin) => process.nextTick(begin)).then(() => this.#run());
    });
  }

  async #run(): Promise<void> {
    try {
      while (!this.#queue.empty && !(this.#full && this.#stopping.signal.aborted)) {
        await this.#commitNext();
        // Whoever was just answered may have more to write: it goes into the next group.
        await new Promise<void>((resume) => process.nextTick(resume));
      }
    } catch (thrown) {
      const reason = messageOf(thrown);
      this.#parts.logger.error("the Raft log cannot be written", { reason });
      this.#fail(new Error(`the Raft log cannot be written: ${reason}`, { cause: thrown }));
    }
    this.#running = null;
    void this.#markLater();
  }

  /** One group, or one attempt to get room for it. */
  async #commitNext(): Promise<void> {
    const writer = this.#writer;
    const before = this.#state;
    assert(writer !== null && before !== null, "a recovered log");
    if (!writer.hasRoomFor(before) && !(await this.#roll(writer, before, null))) return;
    const group = this.#queue.fill(writer, before);
    if (group.blockedBy !== null && group.waiting.length === 0 && !group.changed) {
      await this.#roll(writer, before, group.blockedBy);
      return;
    }
    this.#underWay = group.waiting;
    if (group.emptied) writer.forgetEntries();
    await this.#commit(writer, group);
    this.#state = group.state;
    this.#marked = false;
    if (group.state.base !== before.base) await writer.dropBefore(group.state);
    this.#underWay = [];
    for (const { resolve } of group.waiting) resolve();
  }

  /** To a new segment; false after a wait when the disk has no room for one. */
  async #roll(writer: LogWriter, state: LogState, entry: Group["blockedBy"]): Promise<boolean> {
    const rolled = await writer.roll(state, entry);
    this.#setFull(!rolled);
    if (!rolled) await this.#roomOrNews();
    return rolled;
  }

  async #commit(writer: LogWriter, { addedEntries }: Group): Promise<void> {
    for (;;) {
      try {
        await writer.commitGroup();
        if (addedEntries) this.#setFull(false);
        return;
      } catch (thrown) {
        // Where files are copied on write, also a place that was written before may find no room.
        if (!isNoRoom(thrown) || this.#stopping.signal.aborted) throw thrown;
        this.#setFull(true);
        await this.#roomOrNews();
      }
    }
  }

  #setFull(full: boolean): void {
    if (this.#full === full) return;
    this.#full = full;
    if (full) this.#parts.logger.warn("the disk has no room for the Raft log: writes wait");
    else this.#parts.logger.info("the Raft log has room again");
    this.#onFull(full);
  }

  async #roomOrNews(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#news = new AbortController();
    const { retryMs = 500 } = this.#options;
    await this.#parts.clock.sleep(retryMs, this.#news.signal);
  }

  /** Once it has been quiet for a while; see `LogWriter.mark`. */
  async #markLater(): Promise<void> {
    if (this.#marked || this.#markPlanned || this.#broken !== null) return;
    this.#markPlanned = true;
    const { markAfterMs = 10 } = this.#options;
    await this.#parts.clock.sleep(markAfterMs, this.#stopping.signal);
    this.#markPlanned = false;
    // A run that is under way comes back here when it ends.
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    this.#running = this.#mark().then(() => this.#run());
  }

  async #mark(): Promise<void> {
    const writer = this.#writer;
    const state = this.#state;
    assert(writer !== null && state !== null, "a recovered log");
    this.#marked = true;
    try {
      await writer.mark(state);
    } catch (thrown) {
      const reason = messageOf(thrown);
      this.#parts.logger.warn("the end of the Raft log could not be marked", { reason });
    }
  }

  #fail(reason: Error): void {
    this.#broken ??= reason;
    for (const { reject } of [...this.#underWay, ...this.#queue.takeWaiting()]) {
      reject(this.#broken);
    }
    this.#underWay = [];
  }
}
