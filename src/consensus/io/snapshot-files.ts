/**
 * Snapshots as files: `snapshot-<index>-<term>`, and `*.part` for what is not whole yet. A part gets
 * its name only when it is verified and synced, and the one before goes only after that, so at any
 * moment a whole one is there. What is read is verified block by block before anybody gets it.
 */

import { join } from "node:path";
import {
  assert,
  type Clock,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Result,
} from "../../base/index.ts";
import type { LogIndex } from "../log-entry.ts";
import type { SnapshotMeta } from "../message.ts";
import type { SnapshotChunk, SnapshotStore } from "../snapshot-store.ts";
import { type FileSystem, isNoRoom, nodeFileSystem, type OpenFile } from "./file-system.ts";
import { BlockEncoder, readBlock, snapshotBlockBytes } from "./snapshot-format.ts";
import { isSameSnapshot, snapshotPayload, verifiedMeta } from "./snapshot-reading.ts";

export interface SnapshotFilesParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fileSystem?: FileSystem;
}

export interface SnapshotFilesOptions {
  /** The caller holds the lock on it. */
  readonly folder: string;
  /** How often a full disk is tried again, for a snapshot on its way in. */
  readonly retryMs?: number;
}

interface Incoming {
  readonly index: LogIndex;
  readonly file: OpenFile;
  lengthBytes: number;
}

interface Stored {
  readonly meta: SnapshotMeta;
  readonly path: string;
}

export class SnapshotFiles implements SnapshotStore {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #fileSystem: FileSystem;
  readonly #options: SnapshotFilesOptions;
  readonly #stopping = new AbortController();
  #latest: Stored | null = null;
  #incoming: Incoming | null = null;
  #onDamaged: (index: LogIndex) => void = () => {};
  /** What changes files runs one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SnapshotFilesParts, options: SnapshotFilesOptions) {
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#fileSystem = parts.fileSystem ?? nodeFileSystem;
    this.#options = options;
  }

  /**
   * Finds the newest whole snapshot, reading all of it, and removes what is left of others. First of
   * all calls. Fault: E_SNAPSHOT_READ.
   */
  async start(): Promise<Result<SnapshotMeta | null>> {
    const { folder } = this.#options;
    try {
      await this.#fileSystem.makeFolder(folder);
      const names = await this.#fileSystem.list(folder);
      for (const name of names) {
        if (name.endsWith(".part")) await this.#fileSystem.remove(join(folder, name));
      }
      // Indexes have a fixed width, so their names sort as they do.
      for (const name of names
        .filter((each) => /^snapshot-\d+-\d+$/.test(each))
        .sort()
        .reverse()) {
        const path = join(folder, name);
        if (this.#latest !== null) {
          await this.#fileSystem.remove(path);
          continue;
        }
        const meta = await verifiedMeta(this.#fileSystem, path);
        if (meta !== null) this.#latest = { meta, path };
        else this.#logger.error("a snapshot is damaged", { path });
      }
      return ok(this.latest());
    } catch (thrown) {
      const message = `cannot read the snapshots in ${folder}: ${messageOf(thrown)}`;
      return failed(fault("E_SNAPSHOT_READ", message));
    }
  }

  latest(): SnapshotMeta | null {
    return this.#latest?.meta ?? null;
  }

  onDamaged(listener: (index: LogIndex) => void): void {
    this.#onDamaged = listener;
  }

  async readChunk(
    index: LogIndex,
    offset: number,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<SnapshotChunk | null> {
    const stored = this.#latest;
    if (stored?.meta.index !== index || signal.aborted) return null;
    const chunk = await this.#readVerified(stored, offset, maxBytes);
    if (chunk === "damaged") this.#noteDamage(stored);
    return chunk === "damaged" ? null : chunk;
  }

  async #readVerified(
    { path }: Stored,
    offset: number,
    maxBytes: number,
  ): Promise<SnapshotChunk | null | "damaged"> {
    const file = await this.#openToRead(path);
    if (file === null) return null;
    try {
      const size = await file.sizeBytes();
      const from = offset - (offset % snapshotBlockBytes);
      const blocks = Math.ceil((offset + maxBytes - from) / snapshotBlockBytes);
      const into = Buffer.allocUnsafe(
        Math.min(blocks * snapshotBlockBytes, Math.max(0, size - from)),
      );
      if ((await file.read(into, from)) < into.length || into.length === 0) return "damaged";
      let last = false;
      for (let at = 0; at < into.length; at += snapshotBlockBytes) {
        const block = readBlock(into.subarray(at, at + snapshotBlockBytes));
        if (block?.number !== (from + at) / snapshotBlockBytes) return "damaged";
        last = block.last;
      }
      const bytes = into.subarray(offset - from, offset - from + maxBytes);
      const done = last && offset + bytes.length === size;
      return offset + bytes.length >= size && !done ? "damaged" : { bytes, done };
    } finally {
      await file.close();
    }
  }

  async #openToRead(path: string): Promise<OpenFile | null> {
    try {
      return await this.#fileSystem.open(path, "read");
    } catch (thrown) {
      // Replaced by a newer one meanwhile, or removed by somebody.
      if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
      throw thrown;
    }
  }

  async *read(index: LogIndex, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const stored = this.#latest;
    if (stored?.meta.index !== index) throw new Error(`there is no snapshot at ${index}`);
    const whole = yield* snapshotPayload(this.#fileSystem, stored.path, signal);
    if (whole) return;
    this.#noteDamage(stored);
    throw new Error(`the snapshot at ${index} is damaged`);
  }

  #noteDamage(stored: Stored): void {
    if (this.#latest !== stored) return;
    this.#latest = null;
    this.#logger.error("a snapshot is damaged", { path: stored.path });
    this.#onDamaged(stored.meta.index);
  }

  /** Rejects when the disk fails, or when it is stopped while it waits for room. */
  writeChunk(index: LogIndex, offset: number, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (offset === 0) await this.#beginIncoming(index);
      const incoming = this.#incoming;
      const fits = incoming?.index === index && incoming.lengthBytes === offset;
      assert(incoming !== null && fits, "chunks of one snapshot, in order");
      await this.#whenRoom(() => incoming.file.write(bytes, offset));
      incoming.lengthBytes += bytes.length;
    });
  }

  async #beginIncoming(index: LogIndex): Promise<void> {
    await this.#closeIncoming();
    const file = await this.#whenRoom(() => this.#fileSystem.open(this.#incomingPath, "create"));
    this.#incoming = { index, file, lengthBytes: 0 };
  }

  async #closeIncoming(): Promise<void> {
    const incoming = this.#incoming;
    this.#incoming = null;
    await incoming?.file.close();
  }

  get #incomingPath(): string {
    return join(this.#options.folder, "incoming.part");
  }

  async #whenRoom<Value>(attempt: () => Promise<Value>): Promise<Value> {
    const { signal } = this.#stopping;
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        if (!isNoRoom(thrown) || signal.aborted) throw thrown;
        this.#logger.warn("no room for the snapshot on its way in: it waits");
        await this.#clock.sleep(this.#options.retryMs ?? 1_000, signal);
      }
    }
  }

  install(snapshot: SnapshotMeta): Promise<boolean> {
    return this.#inTurn(async () => {
      const incoming = this.#incoming;
      if (incoming?.index !== snapshot.index) return false;
      await incoming.file.sync();
      await this.#closeIncoming();
      const meta = await verifiedMeta(this.#fileSystem, this.#incomingPath);
      if (meta === null || !isSameSnapshot(meta, snapshot)) {
        this.#logger.warn("a snapshot came in damaged and is dropped", { index: snapshot.index });
        await this.#fileSystem.remove(this.#incomingPath);
        return false;
      }
      await this.#publish(this.#incomingPath, meta);
      return true;
    });
  }

  async save(
    snapshot: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Result<SnapshotMeta>> {
    const path = join(this.#options.folder, "saving.part");
    try {
      await this.#writeSnapshot(path, snapshot, chunks, signal);
      return await this.#inTurn(async () => {
        if (snapshot.index <= (this.latest()?.index ?? 0)) {
          await this.#fileSystem.remove(path);
          const message = `the latest snapshot is at ${this.latest()?.index} by now`;
          return failed(fault("E_SNAPSHOT_OUTDATED", message));
        }
        await this.#publish(path, snapshot);
        return ok(snapshot);
      });
    } catch (thrown) {
      await this.#fileSystem.remove(path).catch((left: unknown) => {
        this.#logger.warn("part of a snapshot is left behind", { path, reason: messageOf(left) });
      });
      if (signal.aborted) return failed(fault("E_SNAPSHOT_ABORTED", "the snapshot was given up"));
      const message = `the snapshot at ${snapshot.index} was not written: ${messageOf(thrown)}`;
      return failed(fault("E_SNAPSHOT_WRITE", message));
    }
  }

  async #writeSnapshot(
    path: string,
    snapshot: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const file = await this.#fileSystem.open(path, "create");
    try {
      const encoder = new BlockEncoder();
      let lengthBytes = 0;
      const put = async (block: Buffer) => {
        signal.throwIfAborted();
        await file.write(block, lengthBytes);
        lengthBytes += block.length;
      };
      await put(encoder.start(snapshot));
      for await (const chunk of chunks) {
        for (const block of encoder.add(chunk)) await put(block);
      }
      for (const block of encoder.end()) await put(block);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** The part is whole and synced: it becomes the latest, and the one before goes. */
  async #publish(part: string, meta: SnapshotMeta): Promise<void> {
    const { folder } = this.#options;
    const before = this.#latest;
    const name = `snapshot-${String(meta.index).padStart(16, "0")}-${meta.term}`;
    const path = join(folder, name);
    await this.#fileSystem.rename(part, path);
    await this.#fileSystem.syncFolder(folder);
    this.#latest = { meta, path };
    if (before !== null && before.path !== path) await this.#fileSystem.remove(before.path);
  }

  /** Ends waits, and lets what is under way finish. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#last;
    await this.#closeIncoming().catch((thrown: unknown) => {
      this.#logger.warn("a snapshot did not close", { reason: messageOf(thrown) });
    });
  }

  #inTurn<Value>(operation: () => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(operation);
    // The chain goes on whatever came of this one; its own caller is told.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
