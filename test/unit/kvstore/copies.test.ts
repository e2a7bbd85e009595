import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/index.ts";
import { type AppliedEntry, rangeRequest, watchRequest } from "../../../src/kvstore/index.ts";
import { MemoryStorage } from "../../../src/kvstore/io/index.ts";
import { drawLog, RandomCommands } from "../../support/random-commands.ts";
import { StoreHarness } from "./support/store-harness.ts";

const never = new AbortController().signal;
const everything = rangeRequest({ key: "\0", rangeEnd: "\0" });

async function applyInCuts(store: StoreHarness, log: readonly AppliedEntry[], size: () => number) {
  const replies = [];
  for (let at = 0; at < log.length; ) {
    const next = at + size();
    replies.push(...(await store.machine.apply(log.slice(at, next))));
    at = next;
  }
  return replies;
}

async function pictureOf(store: StoreHarness) {
  const hash = await store.machine.hash(0, never);
  const leases = [...store.machine.leases().values()].map(({ id, keys }) => [id, [...keys].sort()]);
  const { watchers, slowWatchers, unswept, ...status } = store.machine.status();
  return { hash, leases: leases.sort(), status, all: await store.machine.range(everything) };
}

async function chunksOf(store: StoreHarness) {
  const { position, chunks } = store.machine.snapshot(never);
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return { position, bytes: Buffer.concat(parts) };
}

async function* cut(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("copies of the store", () => {
  it("are the same whatever batches the log came in, and however often they restarted", async () => {
    for (let seed = 1; seed <= 15; seed++) {
      const log = drawLog(seed, 150);
      const one = await StoreHarness.open(new MemoryStorage(), { cacheBytes: 0 });
      const replies = await applyInCuts(one, log, () => 1);
      const expected = await pictureOf(one);
      const chance = new RandomCommands(seededRandom(seed));
      const other = await StoreHarness.open();
      expect(await applyInCuts(other, log, () => 1 + chance.below(30))).toEqual(replies);
      expect(await pictureOf(other), `seed ${seed}`).toEqual(expected);
      const storage = new MemoryStorage();
      for (let at = 0; at < log.length; at += 25) {
        const store = await StoreHarness.open(storage);
        await store.machine.apply(log.slice(at, at + 25));
      }
      expect(await pictureOf(await StoreHarness.open(storage))).toEqual(expected);
    }
  });

  it("come back from a crash as they were after some batch, and the log brings them up to date", async () => {
    const log = drawLog(3, 120);
    const whole = await StoreHarness.open();
    await applyInCuts(whole, log, () => 7);
    const chance = new RandomCommands(seededRandom(5));
    const storage = new MemoryStorage({ undoableBatches: 1000 });
    for (let round = 0; round < 40; round++) {
      const store = await StoreHarness.open(storage);
      const { index } = store.machine.applied();
      await applyInCuts(store, log.slice(index, index + 30), () => 1 + chance.below(6));
      storage.takeBack(chance.below(5));
    }
    const store = await StoreHarness.open(storage);
    await applyInCuts(store, log.slice(store.machine.applied().index), () => 10);
    expect(await pictureOf(store)).toEqual(await pictureOf(whole));
  });

  it("refuse to apply an entry twice, or to leave one out", async () => {
    const store = await StoreHarness.open();
    const log = drawLog(1, 5);
    await store.machine.apply(log.slice(0, 2));
    await expect(store.machine.apply(log.slice(1, 3))).rejects.toThrow("entry 3 to follow");
    expect(store.machine.health()).toMatchObject({ state: "failed" });
    const other = await StoreHarness.open();
    await expect(other.machine.apply(log.slice(1, 3))).rejects.toThrow("entry 1 to follow");
  });

  it("are restored from a snapshot, taken while they went on and cut anywhere", async () => {
    for (const size of [1, 7, 1000, 1_000_000]) {
      const log = drawLog(size, 160);
      const store = await StoreHarness.open();
      await applyInCuts(store, log.slice(0, 100), () => 9);
      const expected = await pictureOf(store);
      const { position, chunks } = store.machine.snapshot(never);
      await store.machine.apply(log.slice(100));
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      const copy = await StoreHarness.open();
      await copy.put("goes", "away");
      await copy.machine.restore(position, cut(Buffer.concat(parts), size), never);
      expect(copy.machine.applied()).toEqual({ index: 100, term: 1 });
      expect(await pictureOf(copy)).toEqual(expected);
      await copy.machine.apply(log.slice(100));
      expect(await pictureOf(copy)).toEqual(await pictureOf(store));
    }
  });

  it("give a snapshot during a batch the position at its end, and its contents", async () => {
    const log = drawLog(2, 60);
    const store = await StoreHarness.open();
    await store.machine.apply(log.slice(0, 20));
    const applying = store.machine.apply(log.slice(20, 40));
    const { position, chunks } = store.machine.snapshot(never);
    await applying;
    const expected = await pictureOf(store);
    await store.machine.apply(log.slice(40));
    const copy = await StoreHarness.open();
    expect(position.index).toBe(40);
    await copy.machine.restore(position, chunks, never);
    expect(await pictureOf(copy)).toEqual(expected);
  });

  it("stay as they are when a snapshot is damaged, cut short or of another position", async () => {
    const store = await StoreHarness.open();
    await applyInCuts(store, drawLog(4, 50), () => 10);
    const { position, bytes } = await chunksOf(store);
    const copy = await StoreHarness.open();
    await copy.put("stays", "here");
    const before = await pictureOf(copy);
    const flipped = Uint8Array.from(bytes);
    flipped[bytes.length >> 1] = (flipped[bytes.length >> 1] ?? 0) ^ 1;
    for (const bad of [flipped, bytes.subarray(0, -1), bytes.subarray(0, 40), new Uint8Array(0)]) {
      await expect(copy.machine.restore(position, cut(bad, 100), never)).rejects.toThrow();
    }
    const elsewhere = { ...position, index: position.index + 1 };
    await expect(copy.machine.restore(elsewhere, cut(bytes, 100), never)).rejects.toThrow();
    expect(await pictureOf(copy)).toEqual(before);
    expect(await copy.value("stays")).toBe("here");
  });

  it("carry watches over a restored snapshot without losing an event", async () => {
    const ahead = await StoreHarness.open();
    const behind = await StoreHarness.open();
    for (const store of [ahead, behind]) await store.put("a", "1");
    const watcher = behind.machine.watch(watchRequest({ key: "a" }));
    for (const value of ["2", "3"]) await ahead.put("a", value);
    const { position, bytes } = await chunksOf(ahead);
    await behind.machine.restore(position, cut(bytes, 100), never);
    const [answer] = await watcher.next(never);
    const events = [{ keyValue: { modRevision: 3 } }, { keyValue: { modRevision: 4 } }];
    expect(answer).toMatchObject({ kind: "events", events });
  });

  it("find out that the storage lost a batch from its middle", async () => {
    const storage = new MemoryStorage();
    const store = await StoreHarness.open(storage);
    for (const key of ["a", "b", "c"]) await store.put(key, "1");
    const snapshot = storage.snapshot();
    const keys: Uint8Array[] = [];
    for await (const page of snapshot.pages({
      first: new Uint8Array(0),
      end: new Uint8Array([9]),
    })) {
      keys.push(...page.map(([key]) => key));
    }
    const [, second] = keys;
    await storage.write([{ type: "del", key: second ?? new Uint8Array(0) }]);
    const again = new StoreHarness(storage, {});
    expect(await again.machine.start()).toMatchObject({ fault: { code: "E_STORE_DAMAGED" } });
  });

  it("are defragmented without changing what they show", async () => {
    const store = await StoreHarness.open(new MemoryStorage(), { sweptPerBatch: 2, cacheBytes: 0 });
    for (let i = 0; i < 50; i++) await store.put(`k${i % 5}`, String(i));
    await store.compact(51);
    const before = await pictureOf(store);
    expect(store.machine.status().unswept).toBe(43);
    await store.machine.defragment(never);
    expect(store.machine.status().unswept).toBe(0);
    expect(await pictureOf(store)).toEqual(before);
  });

  it("wait for a disk that takes no writes, and say so", async () => {
    let full = false;
    class FullStorage extends MemoryStorage {
      override async write(...call: Parameters<MemoryStorage["write"]>): Promise<void> {
        if (full) throw new Error("no space left on device");
        await super.write(...call);
      }
    }
    const store = await StoreHarness.open(new FullStorage());
    full = true;
    const waiting = store.put("a", "1");
    await store.clock.advance(5_000);
    expect(store.machine.health()).toMatchObject({ state: "failed" });
    expect(store.machine.applied().index).toBe(0);
    expect(await store.value("a")).toBeNull();
    full = false;
    await store.clock.advance(1_000);
    expect(await waiting).toMatchObject({ kind: "put", revision: 2 });
    expect(store.machine.health()).toMatchObject({ state: "ok" });
    expect(await store.value("a")).toBe("1");
  });
});
