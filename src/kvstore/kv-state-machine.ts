/**
 * The store as a replicated state machine: takes what the log has agreed on, keeps it, answers
 * reads. It knows what is only in memory and what is stored, and shows nobody the former: readers,
 * watchers and `applied` see what the last stored batch left.
 */

import {
  assert,
  type Clock,
  failed,
  type Health,
  healthy,
  type Logger,
  messageOf,
  ok,
  type Result,
} from "../base/index.ts";
import { applyCommand, type Change } from "./apply-command.ts";
import { decodeCommand } from "./command-codec.ts";
import type { WatchRequest } from "./event.ts";
import { type KvFault, kvFault } from "./fault.ts";
import { hashVersions, type StoreHash } from "./hash.ts";
import type { Version } from "./key-index.ts";
import type { KvStorage } from "./kv-storage.ts";
import type { DamageFault } from "./load-store.ts";
import { isMissing, neededValues } from "./needed-values.ts";
import type {
  Alarm,
  Command,
  LeaseId,
  RangeReply,
  RangeRequest,
  Reply,
  TransactionReply,
  TransactionRequest,
} from "./request.ts";
import { writeSnapshot } from "./snapshot-stream.ts";
import { type LeaseChange, StoreDisk } from "./store-disk.ts";
import { StoreReader } from "./store-reader.ts";
import { type Lease, type Position, positionOf, StoreState } from "./store-state.ts";
import { ValueCache } from "./value-cache.ts";
import { WatchHub } from "./watch-hub.ts";
import { Watcher } from "./watcher.ts";

/** An entry of the log, as far as the store looks at it. */
export interface AppliedEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: "command" | "no-op" | "membership";
  readonly command?: Uint8Array;
}

export interface KvOptions {
  readonly retryMs: number;
  readonly sweptPerBatch: number;
  /** Of values written lately, kept in memory for readers. */
  readonly cacheBytes: number;
  /** Of events kept in memory for watchers. */
  readonly recentEvents: number;
  readonly recentBytes: number;
  readonly progressIntervalMs: number;
  readonly answerEvents: number;
  readonly answerBytes: number;
}

export const defaultKvOptions: KvOptions = {
  retryMs: 1_000,
  sweptPerBatch: 1_000,
  cacheBytes: 8 * 1024 * 1024,
  recentEvents: 10_000,
  recentBytes: 4 * 1024 * 1024,
  progressIntervalMs: 600_000,
  answerEvents: 1_000,
  answerBytes: 1024 * 1024,
};

export interface KvStatus {
  readonly revision: number;
  readonly compactRevision: number;
  /** Keys that exist or have history, and all their versions. */
  readonly keys: number;
  readonly versions: number;
  readonly storedBytes: number;
  readonly quotaBytes: number;
  readonly leases: number;
  readonly alarms: readonly Alarm[];
  readonly watchers: number;
  readonly slowWatchers: number;
  /** Compacted versions that wait to be deleted from the storage. */
  readonly unswept: number;
}

interface Underway {
  /** Where the state will be when it is stored. */
  readonly position: Position;
  readonly stored: Promise<void>;
}

interface Prepared {
  readonly entry: AppliedEntry;
  readonly command: Result<Command, KvFault> | null;
}

export class KvStateMachine {
  readonly component = "kv-store";
  readonly #disk: StoreDisk;
  readonly #clock: Clock;
  readonly #options: KvOptions;
  readonly #cache: ValueCache;
  readonly #stopping = new AbortController();
  #state = new StoreState();
  #published: Position = this.#state.position;
  #hub: WatchHub;
  #underway: Underway | null = null;
  /** Why a batch was given up half-way; nothing can be applied any more. */
  #broken: string | null = null;

  constructor(
    parts: { readonly storage: KvStorage; readonly clock: Clock; readonly logger: Logger },
    options: KvOptions,
  ) {
    this.#disk = new StoreDisk(parts, options);
    this.#clock = parts.clock;
    this.#options = options;
    this.#cache = new ValueCache(options.cacheBytes);
    this.#hub = new WatchHub(options, this.#state.revision);
  }

  /** Reads the store back; nothing else may be called before. Rejects when the storage does. */
  async start(): Promise<Result<void, DamageFault>> {
    const opened = await this.#disk.open();
    if (!opened.ok) return opened;
    this.#state = opened.value;
    this.#published = opened.value.position;
    this.#hub = new WatchHub(this.#options, opened.value.revision);
    return ok(undefined);
  }

  /** The last entry that is in the durable state; the log is replayed from behind it. */
  applied(): Position {
    return this.#published;
  }

  /**
   * In order; one reply per command entry. A disk that takes no writes keeps it waiting, see
   * `health`. Rejects when the storage cannot be read, or `stop` is called: the state in memory is
   * then ahead of what is stored, and must not be used any more.
   */
  async apply(entries: readonly AppliedEntry[]): Promise<readonly Reply[]> {
    const last = entries.at(-1);
    if (last === undefined) return [];
    while (this.#underway !== null) await this.#underway.stored;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    this.#underway = { position: positionOf(last), stored: promise };
    try {
      const replies = await this.#carryOut(entries);
      this.#underway = null;
      resolve();
      return replies;
    } catch (thrown) {
      // It stays under way for ever: what is in memory must never pass for stored.
      this.#broken = messageOf(thrown);
      reject(thrown);
      throw thrown;
    }
  }

  async #carryOut(entries: readonly AppliedEntry[]): Promise<readonly Reply[]> {
    const state = this.#state;
    const prepared = entries.map((entry): Prepared => {
      const bytes = entry.kind === "command" ? entry.command : undefined;
      return { entry, command: bytes === undefined ? null : decodeCommand(bytes) };
    });
    // Most of what will be looked at is known beforehand, and one read fetches it all.
    const needed = prepared.flatMap(({ command }) => this.#missingFor(command));
    if (needed.length > 0) await this.#load(needed);
    const replies: Reply[] = [];
    const versions: Change[] = [];
    const leases: LeaseChange[] = [];
    for (const { entry, command } of prepared) {
      const { index, term } = entry;
      assert(index === state.position.index + 1, `entry ${state.position.index + 1} to follow`);
      if (command !== null) {
        const missing = this.#missingFor(command);
        if (missing.length > 0) await this.#load(missing);
        const revision = state.revision;
        const { reply, changes } = command.ok
          ? applyCommand(state, command.value, term)
          : { reply: { kind: "refused", revision, fault: command.fault } as const, changes: [] };
        for (const change of changes) {
          this.#cache.hold(change.version);
          versions.push(change);
        }
        const lease = command.ok ? leaseChange(command.value, reply, state) : null;
        if (lease !== null) leases.push(lease);
        replies.push(reply);
      }
      state.position = positionOf(entry);
    }
    await this.#disk.keep(state, { versions, leases }, this.#stopping.signal);
    this.#published = state.position;
    this.#hub.publish(versions, state.revision);
    this.#cache.trim();
    return replies;
  }

  #missingFor(command: Result<Command, KvFault> | null): readonly Version[] {
    if (command === null || !command.ok) return nothingMissing;
    const { value } = command;
    const isPlain = value.kind === "put" && !value.prevKv && !value.ignoreValue;
    if (isPlain) return nothingMissing;
    const view = { state: this.#state, revision: this.#state.revision };
    return neededValues(view, value).filter(isMissing);
  }

  /** Into memory, until the batch is stored. */
  async #load(versions: readonly Version[]): Promise<void> {
    const distinct = [...new Set(versions)];
    const values = await this.#disk.valuesOf(distinct);
    for (const [i, version] of distinct.entries()) {
      const value = values[i];
      assert(value !== undefined, `the version of revision ${version.modRevision} in the storage`);
      version.value = value;
      this.#cache.hold(version);
    }
  }

  get #reader(): StoreReader {
    const { answerEvents, answerBytes } = this.#options;
    const limits = { events: answerEvents, bytes: answerBytes, versions: 10 * answerEvents };
    return new StoreReader(this.#disk, limits, () => ({
      state: this.#state,
      revision: this.#hub.revision,
      stored: this.#underway?.stored ?? null,
    }));
  }

  /** What is published now, or was at an earlier revision. E_KEY_EMPTY, E_COMPACTED and so on. */
  async range(request: RangeRequest): Promise<Result<RangeReply, KvFault>> {
    return await this.#reader.range(request);
  }

  /** Of a transaction that `isReadOnly`. */
  async readTransaction(request: TransactionRequest): Promise<Result<TransactionReply, KvFault>> {
    return await this.#reader.transaction(request);
  }

  watch(request: WatchRequest): Watcher {
    const hub = this.#hub;
    return new Watcher({ source: this.#reader, hub, clock: this.#clock }, request, this.#options);
  }

  /** Those there are; how long each has, `LeaseClock` knows where it leads. */
  leases(): ReadonlyMap<LeaseId, Lease> {
    return this.#state.leases;
  }

  /** Of all versions up to `revision` (0: now), the same on every copy compacted alike. */
  async hash(revision: number, signal: AbortSignal): Promise<Result<StoreHash, KvFault>> {
    for (;;) {
      const state = this.#state;
      const wanted = revision > 0 ? revision : this.#hub.revision;
      if (wanted > this.#hub.revision) return failed(kvFault("E_FUTURE_REVISION"));
      if (wanted < state.compactRevision) return failed(kvFault("E_COMPACTED"));
      const { snapshot, layout } = this.#disk.picture();
      try {
        const hash = await hashVersions(snapshot, layout, state, wanted, signal);
        if (hash !== null) return ok(hash);
      } finally {
        await snapshot.release();
      }
    }
  }

  /** A consistent picture of now; the state goes on changing while chunks are read, once. */
  snapshot(signal: AbortSignal): {
    readonly position: Position;
    readonly chunks: AsyncIterable<Uint8Array>;
  } {
    const underway = this.#underway;
    const ready = { position: this.#published, picture: () => this.#disk.picture() };
    if (underway === null) {
      const picture = ready.picture();
      return { position: ready.position, chunks: chunksOf(async () => picture, signal) };
    }
    // What is in memory is half-way to that position already, and the storage to what is in memory.
    // The picture is taken the moment the batch is stored, before another can begin.
    const picture = underway.stored.then(ready.picture);
    picture.catch(() => undefined);
    return { position: underway.position, chunks: chunksOf(() => picture, signal) };
  }

  /**
   * Replaces everything, atomically: a crash half-way leaves the old or the new. Rejects, and
   * nothing has changed, when the chunks are not a whole snapshot of `position`.
   */
  async restore(
    position: { readonly index: number; readonly term: number },
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    while (this.#underway !== null) await this.#underway.stored;
    this.#state = await this.#disk.replace(position, chunks, signal);
    this.#published = this.#state.position;
    this.#hub.jump(this.#state.revision);
  }

  /** Deletes what compactions have left over. Batches wait for it. */
  async defragment(signal: AbortSignal): Promise<void> {
    while (this.#underway !== null) await this.#underway.stored;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    this.#underway = { position: this.#published, stored: promise };
    try {
      await this.#disk.defragment(this.#state, signal);
      resolve();
    } catch (thrown) {
      reject(thrown);
      throw thrown;
    } finally {
      this.#underway = null;
    }
  }

  /** The last published revision. */
  get revision(): number {
    return this.#hub.revision;
  }

  status(): KvStatus {
    const { index, revision, compactRevision, quotaBytes, leases, garbage } = this.#state;
    return {
      revision,
      compactRevision,
      keys: index.keys,
      versions: index.versions,
      storedBytes: index.storedBytes,
      quotaBytes,
      leases: leases.size,
      alarms: this.#state.listAlarms(),
      watchers: this.#hub.watchers,
      slowWatchers: this.#hub.slowWatchers,
      unswept: garbage.length,
    };
  }

  async diskBytes(): Promise<number> {
    return await this.#disk.diskBytes();
  }

  health(): Health {
    const { problem } = this.#disk;
    if (problem !== null) {
      const reason = `what is agreed on cannot be kept: ${problem}`;
      return { state: "failed", reason, remedy: "free or repair the disk of the data directory" };
    }
    if (this.#broken !== null) {
      const reason = `a batch was given up: ${this.#broken}`;
      return { state: "failed", reason, remedy: "start the node again" };
    }
    if (this.#state.hasAlarm("corrupt")) {
      return { state: "failed", reason: "copies of the store differ", remedy: "see the alarm" };
    }
    if (this.#state.hasAlarm("no-space")) {
      const remedy = "compact, defragment, then disarm the alarm; or raise the quota";
      return { state: "degraded", reason: "the store has reached its quota", remedy };
    }
    return healthy(`revision ${this.#hub.revision}`);
  }

  /** A batch that waits for the disk is given up; it is in the log. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // Its failure went to whoever handed the batch over.
    await this.#underway?.stored.catch(() => undefined);
    await this.#disk.stop();
  }
}

const nothingMissing: readonly Version[] = [];

function leaseChange(command: Command, reply: Reply, state: StoreState): LeaseChange | null {
  if (reply.kind === "lease-grant")
    return { id: reply.id, lease: state.leases.get(reply.id) ?? null };
  const isEnd = command.kind === "lease-revoke" || command.kind === "lease-expire";
  return isEnd && reply.kind === "lease-revoke" ? { id: command.id, lease: null } : null;
}

async function* chunksOf(
  take: () => Promise<ReturnType<StoreDisk["picture"]>>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { snapshot, layout } = await take();
  try {
    yield* writeSnapshot(snapshot, layout, signal);
  } finally {
    await snapshot.release();
  }
}
