/** Snapshots in memory, kept as the simulation's disk keeps them: whole, beside one on its way in. */

import { failed, fault, messageOf, ok, type Result } from "../../src/base/index.ts";
import type { SnapshotChunk, SnapshotMeta, SnapshotStore } from "../../src/consensus/index.ts";
import type { StoredSnapshot } from "../simulation/simulated-disk.ts";

export class MemorySnapshots implements SnapshotStore {
  #stored: StoredSnapshot | null = null;
  #incoming: { readonly index: number; readonly chunks: Uint8Array[] } | null = null;

  latest(): SnapshotMeta | null {
    return this.#stored?.meta ?? null;
  }

  async readChunk(index: number, offset: number, maxBytes: number): Promise<SnapshotChunk | null> {
    if (this.#stored?.meta.index !== index) return null;
    const { bytes } = this.#stored;
    const done = offset + maxBytes >= bytes.length;
    return { bytes: bytes.slice(offset, offset + maxBytes), done };
  }

  async writeChunk(index: number, offset: number, bytes: Uint8Array): Promise<void> {
    if (offset === 0) this.#incoming = { index, chunks: [] };
    this.#incoming?.chunks.push(Uint8Array.from(bytes));
  }

  async install(snapshot: SnapshotMeta): Promise<boolean> {
    const incoming = this.#incoming;
    if (incoming?.index !== snapshot.index) return false;
    this.#incoming = null;
    const bytes = Buffer.concat(incoming.chunks);
    const meta = decoded(bytes)?.meta;
    if (JSON.stringify(meta) !== JSON.stringify(snapshot)) return false;
    this.#stored = { meta: snapshot, bytes };
    return true;
  }

  async save(
    meta: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Result<SnapshotMeta>> {
    const pieces: Uint8Array[] = [];
    try {
      for await (const chunk of chunks) {
        if (signal.aborted) return failed(fault("E_SNAPSHOT_ABORTED", "given up"));
        pieces.push(Uint8Array.from(chunk));
      }
    } catch (thrown) {
      return failed(fault("E_SNAPSHOT_WRITE", messageOf(thrown)));
    }
    if (meta.index <= (this.latest()?.index ?? 0)) {
      return failed(fault("E_SNAPSHOT_OUTDATED", "there is a newer one"));
    }
    this.#stored = { meta, bytes: encoded(meta, Buffer.concat(pieces)) };
    return ok(meta);
  }

  async *read(index: number): AsyncIterable<Uint8Array> {
    const stored = this.#stored;
    const content = stored?.meta.index === index ? decoded(stored.bytes) : null;
    if (content === null) throw new Error(`there is no snapshot at ${index}`);
    yield content.payload;
  }

  /** Memory does not rot. */
  onDamaged(): void {}
}

function encoded(meta: SnapshotMeta, payload: Buffer): Buffer {
  const text = JSON.stringify({ meta, payload: payload.toString("base64") });
  return Buffer.from(`${text.length} ${sum(text)} ${text}`);
}

function decoded(bytes: Uint8Array): { meta: SnapshotMeta; payload: Buffer } | null {
  const found = /^(\d+) (\d+) ([\s\S]*)$/.exec(Buffer.from(bytes).toString("utf8"));
  const text = found?.[3] ?? "";
  if (found?.[1] !== String(text.length) || found[2] !== String(sum(text))) return null;
  const { meta, payload } = JSON.parse(text) as { meta: SnapshotMeta; payload: string };
  return { meta, payload: Buffer.from(payload, "base64") };
}

/** FNV-1a: enough to notice a flipped byte. */
function sum(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return value;
}
