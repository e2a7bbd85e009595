/** What every storage of the agreed map must do, whatever it is made of. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KvStorage, StorageSnapshot } from "../../src/kvstore/index.ts";

export interface StorageUnderTest {
  readonly storage: KvStorage;
  cleanUp(): Promise<void>;
}

const bytes = (...values: number[]) => new Uint8Array(values);
const everything = { first: bytes(), end: bytes(0xff, 0xff) };
const put = (key: Uint8Array, value: Uint8Array) => ({ type: "put", key, value }) as const;

async function contents(snapshot: StorageSnapshot, range = everything): Promise<number[][][]> {
  const pairs: number[][][] = [];
  for await (const page of snapshot.pages(range)) {
    expect(page.length).toBeGreaterThan(0);
    for (const [key, value] of page) pairs.push([[...key], [...value]]);
  }
  await snapshot.release();
  return pairs;
}

export function kvStorageComplies(name: string, open: () => Promise<StorageUnderTest>): void {
  describe(`${name} as a storage of the agreed map`, () => {
    let under: StorageUnderTest;
    let storage: KvStorage;
    beforeEach(async () => {
      under = await open();
      ({ storage } = under);
    });
    afterEach(async () => {
      await storage.stop();
      await under.cleanUp();
    });

    it("gives back what a batch wrote, and undefined for what nobody wrote", async () => {
      await storage.write([put(bytes(1), bytes(10)), put(bytes(2), bytes())]);
      const [one, two, three] = await storage.getMany([bytes(1), bytes(2), bytes(3)]);
      expect([...(one ?? [])]).toEqual([10]);
      expect(two?.length).toBe(0);
      expect(three).toBeUndefined();
    });

    it("lets the last write of a batch to a key win", async () => {
      const key = bytes(1);
      await storage.write([put(key, bytes(1)), { type: "del", key }, put(key, bytes(2))]);
      await storage.write([put(bytes(2), bytes(1)), { type: "del", key: bytes(2) }]);
      expect(await contents(storage.snapshot())).toEqual([[[1], [2]]]);
    });

    it("keeps nothing of the buffers it was handed", async () => {
      const key = bytes(5);
      const value = bytes(6);
      await storage.write([put(key, value)]);
      key[0] = 0;
      value[0] = 0;
      expect(await contents(storage.snapshot())).toEqual([[[5], [6]]]);
    });

    it("orders keys by their unsigned bytes, the shorter first", async () => {
      const keys = [bytes(0x80), bytes(1, 0), bytes(0xfe), bytes(1), bytes(0x7f, 0xff), bytes(0)];
      await storage.write(keys.map((key) => put(key, bytes())));
      const found = (await contents(storage.snapshot())).map(([key]) => key);
      expect(found).toEqual([[0], [1], [1, 0], [0x7f, 0xff], [0x80], [0xfe]]);
    });

    it("reads a range from its first key up to, not including, its end", async () => {
      await storage.write([1, 2, 3, 4].map((key) => put(bytes(key), bytes())));
      const range = { first: bytes(2), end: bytes(4) };
      const found = (await contents(storage.snapshot(), range)).map(([key]) => key);
      expect(found).toEqual([[2], [3]]);
    });

    it("reads more than a page in order, each pair once", async () => {
      const count = 5_000;
      const key = (at: number) => bytes(at >> 8, at & 0xff);
      await storage.write(Array.from({ length: count }, (_, at) => put(key(at), key(at))));
      const found = await contents(storage.snapshot());
      expect(found).toEqual(Array.from({ length: count }, (_, at) => [[...key(at)], [...key(at)]]));
    });

    it("shows a snapshot what there was, whatever is written, deleted and cleared since", async () => {
      await storage.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))]);
      const before = storage.snapshot();
      await storage.write([put(bytes(1), bytes(9)), put(bytes(3), bytes(3))]);
      await storage.clear({ first: bytes(2), end: bytes(3) });
      expect(await contents(before)).toEqual([
        [[1], [1]],
        [[2], [2]],
      ]);
      expect(await contents(storage.snapshot())).toEqual([
        [[1], [9]],
        [[3], [3]],
      ]);
    });

    it("takes a snapshot before a write that is issued after it", async () => {
      await storage.write([put(bytes(1), bytes(1))]);
      const before = storage.snapshot();
      const written = storage.write([put(bytes(1), bytes(2))]);
      expect(await contents(before)).toEqual([[[1], [1]]]);
      await written;
    });

    it("clears a range and nothing beside it", async () => {
      await storage.write([1, 2, 3, 4].map((key) => put(bytes(key), bytes())));
      await storage.clear({ first: bytes(2), end: bytes(4) });
      expect((await contents(storage.snapshot())).map(([key]) => key)).toEqual([[1], [4]]);
    });

    it("loses nothing when it gives space back", async () => {
      await storage.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(2))]);
      await storage.write([{ type: "del", key: bytes(1) }], { sync: true });
      await storage.compact();
      expect(await contents(storage.snapshot())).toEqual([[[2], [2]]]);
      expect(await storage.diskBytes()).toBeGreaterThanOrEqual(0);
    });
  });
}
