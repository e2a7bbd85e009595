/** What every snapshot store does, whatever it stands on. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SnapshotMeta, SnapshotStore } from "../../src/consensus/index.ts";
import { snapshotAt } from "./sample-log.ts";

interface StoreUnderTest {
  readonly store: SnapshotStore;
  cleanUp(): Promise<void>;
}

const { signal } = new AbortController();
/** Several blocks, and not a multiple of any. */
const content = Buffer.from(Array.from({ length: 200_001 }, (_, at) => (at * 31) & 0xff));

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function contentOf(store: SnapshotStore, index: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.read(index, signal)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

async function saved(store: SnapshotStore, index: number, bytes = content): Promise<SnapshotMeta> {
  const result = await store.save(snapshotAt(index), inPieces(bytes, 33_333), signal);
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

/** All chunks as the leader would send them. */
async function chunksOf(store: SnapshotStore, index: number, maxBytes: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const chunk = await store.readChunk(index, offset, maxBytes, signal);
    if (chunk === null) throw new Error(`no chunk at ${offset}`);
    expect(chunk.bytes.length).toBeLessThanOrEqual(maxBytes);
    chunks.push(Buffer.from(chunk.bytes));
    offset += chunk.bytes.length;
    if (chunk.done) return chunks;
    expect(chunk.bytes.length).toBe(maxBytes);
  }
}

async function receive(store: SnapshotStore, index: number, chunks: Buffer[]): Promise<void> {
  let offset = 0;
  for (const chunk of chunks) {
    await store.writeChunk(index, offset, chunk);
    offset += chunk.length;
  }
}

export function snapshotStoreComplies(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} is a snapshot store`, () => {
    const subjects: StoreUnderTest[] = [];
    let store: SnapshotStore;
    beforeEach(async () => {
      store = await another();
    });
    afterEach(async () => {
      for (const subject of subjects.splice(0)) await subject.cleanUp();
    });
    async function another(): Promise<SnapshotStore> {
      const subject = await open();
      subjects.push(subject);
      return subject.store;
    }

    it("has none when new", async () => {
      expect(store.latest()).toBe(null);
      expect(await store.readChunk(1, 0, 100, signal)).toBe(null);
      await expect(contentOf(store, 1)).rejects.toThrow();
    });

    it("gives back what was saved", async () => {
      const lengths = [0, 1, 65_520, 65_519, 65_521, content.length];
      for (const [number, length] of lengths.entries()) {
        const bytes = content.subarray(0, length);
        expect(await saved(store, number + 1, bytes)).toEqual(snapshotAt(number + 1));
        expect(store.latest()).toEqual(snapshotAt(number + 1));
        expect((await contentOf(store, number + 1)).equals(bytes)).toBe(true);
      }
    });

    it("keeps the newest only", async () => {
      await saved(store, 5);
      await saved(store, 9);
      expect(await store.readChunk(5, 0, 100, signal)).toBe(null);
      expect(store.latest()).toEqual(snapshotAt(9));
    });

    it("does not go back to an older one", async () => {
      await saved(store, 9);
      const older = await store.save(snapshotAt(9), inPieces(content, 100), signal);
      expect(older).toMatchObject({ ok: false, fault: { code: "E_SNAPSHOT_OUTDATED" } });
      expect(store.latest()).toEqual(snapshotAt(9));
    });

    it("keeps the one it has when saving another is given up or fails", async () => {
      await saved(store, 5);
      const giving = new AbortController();
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (let count = 0; ; count++) {
          if (count === 10) giving.abort();
          yield content;
        }
      }
      const aborted = await store.save(snapshotAt(6), endless(), giving.signal);
      expect(aborted).toMatchObject({ ok: false, fault: { code: "E_SNAPSHOT_ABORTED" } });
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield content;
        throw new Error("the state machine is gone");
      }
      const failedResult = await store.save(snapshotAt(6), failing(), signal);
      expect(failedResult).toMatchObject({ ok: false, fault: { code: "E_SNAPSHOT_WRITE" } });
      expect(store.latest()).toEqual(snapshotAt(5));
      expect((await contentOf(store, 5)).equals(content)).toBe(true);
    });

    it("hands a snapshot to another store, in chunks of any size", async () => {
      await saved(store, 7);
      for (const maxBytes of [1_000, 65_536, 100_000, 1 << 20]) {
        const other = await another();
        await receive(other, 7, await chunksOf(store, 7, maxBytes));
        expect(other.latest()).toBe(null);
        expect(await other.install(snapshotAt(7))).toBe(true);
        expect(other.latest()).toEqual(snapshotAt(7));
        expect((await contentOf(other, 7)).equals(content)).toBe(true);
      }
    });

    it("starts anew at offset 0, whatever an earlier attempt left", async () => {
      await saved(store, 7);
      const chunks = await chunksOf(store, 7, 50_000);
      const other = await another();
      await receive(other, 3, [content, content]);
      await receive(other, 7, chunks.slice(0, 2));
      await receive(other, 7, chunks);
      expect(await other.install(snapshotAt(7))).toBe(true);
      expect((await contentOf(other, 7)).equals(content)).toBe(true);
    });

    it("refuses what came in damaged, cut, prolonged or as something else", async () => {
      await saved(store, 7, content.subarray(0, 70_000));
      const whole = Buffer.concat(await chunksOf(store, 7, 1 << 20));
      const other = await another();
      await saved(other, 2);
      const flipped = Buffer.from(whole);
      flipped[whole.length >> 1] = (flipped[whole.length >> 1] ?? 0) ^ 4;
      const longer = Buffer.concat([whole, Buffer.from([0])]);
      for (const bytes of [flipped, whole.subarray(0, -1), longer, Buffer.alloc(10), content]) {
        await receive(other, 7, [bytes]);
        expect(await other.install(snapshotAt(7))).toBe(false);
      }
      const alone = { ...snapshotAt(7), membership: { voters: [], outgoing: null, learners: [] } };
      for (const meta of [snapshotAt(7, 2), alone]) {
        await receive(other, 7, [whole]);
        expect(await other.install(meta)).toBe(false);
      }
      await receive(other, 7, [whole]);
      expect(await other.install(snapshotAt(8))).toBe(false);
      expect(other.latest()).toEqual(snapshotAt(2));
      expect((await contentOf(other, 2)).equals(content)).toBe(true);
    });
  });
}
