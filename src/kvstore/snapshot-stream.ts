/**
 * A whole store as a stream of bytes, and back: frames of a length, a checksum and some pairs of the
 * storage without their generation; an empty frame ends it. Where the stream is cut into chunks
 * means nothing.
 */

import { type Fault, failed, fault, ok, type Result } from "../base/index.ts";
import { ByteReader, Unreadable } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./checksum.ts";
import type { StoragePair, StorageSnapshot } from "./kv-storage.ts";
import { StorageLayout } from "./storage-layout.ts";
import type { Position } from "./store-state.ts";
import { decodeState, type StoredState } from "./stored-state.ts";

/** "mmkv" and the version of this format. */
const magic = new Uint8Array([0x6d, 0x6d, 0x6b, 0x76, 1]);
const headBytes = 8;
/** Far above what one frame takes: a page is cut at 256 KiB, and a pair is at most a command. */
const maxFrameBytes = 16 * 1024 * 1024;
const frameBytes = 256 * 1024;

export async function* writeSnapshot(
  snapshot: StorageSnapshot,
  layout: StorageLayout,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield magic;
  for await (const page of snapshot.pages(layout.all)) {
    signal.throwIfAborted();
    let payload = new ByteWriter();
    for (const [key, value] of page) {
      payload.bytes(layout.withoutPrefix(key));
      payload.bytes(value);
      if (payload.length < frameBytes) continue;
      yield frameOf(payload.finish());
      payload = new ByteWriter();
    }
    if (payload.length > 0) yield frameOf(payload.finish());
  }
  yield frameOf(new Uint8Array(0));
}

function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new ByteWriter(headBytes + payload.length);
  frame.uint32(payload.length);
  frame.uint32(crc32c(payload));
  frame.raw(payload);
  return frame.finish();
}

/** Pages of pairs, keys as in `layout`. Throws `Unreadable` when the stream is not whole. */
export async function* readSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  layout: StorageLayout,
  signal: AbortSignal,
): AsyncGenerator<readonly StoragePair[]> {
  const buffer = new ChunkBuffer();
  let begun = false;
  let ended = false;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    buffer.add(chunk);
    if (!begun) {
      const head = buffer.take(magic.length);
      if (head === null) continue;
      if (head.some((byte, at) => byte !== magic[at])) throw new Unreadable("it is no snapshot");
      begun = true;
    }
    for (;;) {
      const payload = takeFrame(buffer);
      if (payload === null) break;
      if (ended) throw new Unreadable("it goes on behind its end");
      if (payload.length === 0) ended = true;
      else yield pairsOf(payload, layout);
    }
  }
  if (!ended || buffer.length > 0) throw new Unreadable("it is not whole");
}

function takeFrame(buffer: ChunkBuffer): Uint8Array | null {
  const head = buffer.peek(headBytes);
  if (head === null) return null;
  const reader = new ByteReader(head);
  const length = reader.uint32();
  const checksum = reader.uint32();
  if (length > maxFrameBytes) throw new Unreadable("a frame is too long");
  const frame = buffer.take(headBytes + length);
  if (frame === null) return null;
  const payload = frame.subarray(headBytes);
  if (crc32c(payload) !== checksum) throw new Unreadable("a frame is damaged");
  return payload;
}

function pairsOf(payload: Uint8Array, layout: StorageLayout): StoragePair[] {
  const reader = new ByteReader(payload);
  const pairs: StoragePair[] = [];
  for (;;) {
    pairs.push([layout.withPrefix(reader.bytes()), reader.bytes()]);
    if (reader.atEnd) return pairs;
  }
}

/** Bytes that arrived in some pieces and are taken in others. */
class ChunkBuffer {
  #bytes: Uint8Array = new Uint8Array(0);

  get length(): number {
    return this.#bytes.length;
  }

  add(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + chunk.length);
    joined.set(this.#bytes);
    joined.set(chunk, this.#bytes.length);
    this.#bytes = joined;
  }

  peek(count: number): Uint8Array | null {
    return this.#bytes.length < count ? null : this.#bytes.subarray(0, count);
  }

  take(count: number): Uint8Array | null {
    const taken = this.peek(count);
    if (taken !== null) this.#bytes = this.#bytes.subarray(count);
    return taken;
  }
}

export interface SnapshotSummary {
  /** The last entry of the log that is in it. */
  readonly position: Position;
  readonly revision: number;
  readonly compactRevision: number;
  /** Stored versions: values and deletions, of every revision that is kept. */
  readonly versions: number;
  readonly leases: number;
  readonly contentBytes: number;
}

/** Reads all of it, and with that every checksum in it. Fault: E_SNAPSHOT_DAMAGED. */
export async function summarizeSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Result<SnapshotSummary, Fault<"E_SNAPSHOT_DAMAGED">>> {
  const layout = new StorageLayout(0);
  let contentBytes = 0;
  async function* counted() {
    for await (const chunk of chunks) {
      contentBytes += chunk.length;
      yield chunk;
    }
  }
  try {
    let state: StoredState | null = null;
    for await (const page of readSnapshot(counted(), layout, signal)) {
      for (const [key, value] of page) {
        if (layout.isStateKey(key)) state = decodeState(value);
      }
    }
    if (state === null) throw new Unreadable("it holds no store: nothing was ever written to it");
    const { position, revision, compactRevision, leaseCount, inventory } = state;
    const { versions } = inventory;
    const leases = leaseCount;
    return ok({ position, revision, compactRevision, versions, leases, contentBytes });
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown;
    return failed(fault("E_SNAPSHOT_DAMAGED", `the snapshot cannot be used: ${thrown.message}`));
  }
}
