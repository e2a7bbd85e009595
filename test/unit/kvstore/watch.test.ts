import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/index.ts";
import {
  encodeCommand,
  type WatchAnswer,
  type Watcher,
  watchRequest,
} from "../../../src/kvstore/index.ts";
import { MemoryStorage } from "../../../src/kvstore/io/index.ts";
import { NaiveStore } from "../../support/naive-store.ts";
import { RandomCommands } from "../../support/random-commands.ts";
import { settle } from "../support/manual-clock.ts";
import { bytesText, StoreHarness } from "./support/store-harness.ts";

const all = { key: "\0", rangeEnd: "\0" };
const never = new AbortController().signal;

const wordsOf = (answers: readonly WatchAnswer[]): string[] =>
  answers.flatMap((answer) => {
    if (answer.kind !== "events") return [answer.kind];
    return answer.events.map(({ type, keyValue, previous }) => {
      const before = previous === null ? "" : ` was ${bytesText(previous.value)}`;
      return `${keyValue.modRevision} ${type} ${keyValue.key}=${bytesText(keyValue.value)}${before}`;
    });
  });

/** One answer, if there is one now. */
async function readNow(watcher: Watcher): Promise<readonly WatchAnswer[]> {
  const patience = new AbortController();
  const next = watcher.next(patience.signal);
  await settle();
  patience.abort();
  return await next;
}

/** What there is to read now, without waiting. */
async function readAll(watcher: Watcher): Promise<WatchAnswer[]> {
  const answers: WatchAnswer[] = [];
  for (;;) {
    const more = await readNow(watcher);
    if (more.length === 0) return answers;
    answers.push(...more);
  }
}

describe("a watch", () => {
  it("tells what happens from now on, as it is stored", async () => {
    const store = await StoreHarness.open();
    await store.put("a", "1");
    const watcher = store.machine.watch(watchRequest({ key: "a", prevKv: true }));
    const next = watcher.next(never);
    await store.put("b", "1");
    await store.put("a", "2");
    expect(wordsOf(await next)).toEqual(["4 put a=2 was 1"]);
    await store.delete("a");
    expect(wordsOf(await watcher.next(never))).toEqual(["5 delete a= was 2"]);
  });

  it("begins at any revision that is not compacted away", async () => {
    const store = await StoreHarness.open(new MemoryStorage(), { recentEvents: 0 });
    for (const value of ["1", "2", "3"]) await store.put("a", value);
    const from = (startRevision: number) =>
      store.machine.watch(watchRequest({ key: "a", startRevision }));
    expect(wordsOf(await readAll(from(2)))).toEqual(["2 put a=1", "3 put a=2", "4 put a=3"]);
    await store.compact(3);
    expect(wordsOf(await readAll(from(3)))).toEqual(["3 put a=2", "4 put a=3"]);
    expect(await from(2).next(never)).toEqual([
      { kind: "compacted", revision: 4, compactRevision: 3 },
    ]);
  });

  it("tells of a deletion at the very revision that was compacted", async () => {
    const store = await StoreHarness.open(new MemoryStorage(), { recentEvents: 0 });
    await store.put("a", "1");
    await store.delete("a");
    await store.compact(3);
    const watcher = store.machine.watch(watchRequest({ key: "a", startRevision: 3 }));
    expect(wordsOf(await watcher.next(never))).toEqual(["3 delete a="]);
  });

  it("waits for a revision to come", async () => {
    const store = await StoreHarness.open();
    const watcher = store.machine.watch(watchRequest({ key: "a", startRevision: 4 }));
    for (const value of ["1", "2", "3"]) await store.put("a", value);
    expect(wordsOf(await readAll(watcher))).toEqual(["4 put a=3"]);
  });

  it("leaves out what its filters name", async () => {
    const store = await StoreHarness.open();
    const noPut = store.machine.watch(watchRequest({ ...all, noPut: true }));
    const noDelete = store.machine.watch(watchRequest({ ...all, noDelete: true }));
    await store.put("a", "1");
    await store.delete("a");
    expect(wordsOf(await readAll(noPut))).toEqual(["3 delete a="]);
    expect(wordsOf(await readAll(noDelete))).toEqual(["2 put a=1"]);
  });

  it("goes on from a compaction that overtakes it only if memory still has what it lacks", async () => {
    const store = await StoreHarness.open(new MemoryStorage(), { recentEvents: 2 });
    const watcher = store.machine.watch(watchRequest(all));
    for (const value of ["1", "2", "3", "4", "5"]) await store.put("a", value);
    expect(store.machine.status().slowWatchers).toBe(1);
    await store.compact(5);
    expect(await watcher.next(never)).toMatchObject([{ kind: "compacted", compactRevision: 5 }]);
  });

  it("ends when it is cancelled, also for whoever waits", async () => {
    const store = await StoreHarness.open();
    const watcher = store.machine.watch(watchRequest(all));
    const next = watcher.next(never);
    await settle();
    watcher.cancel();
    expect(await next).toMatchObject([{ kind: "ended" }]);
    expect(store.machine.status().watchers).toBe(0);
  });

  it("gives a sign of progress when nothing happens for long", async () => {
    const store = await StoreHarness.open(new MemoryStorage(), { progressIntervalMs: 1_000 });
    const watcher = store.machine.watch(watchRequest({ key: "a", progressNotify: true }));
    const next = watcher.next(never);
    await store.put("b", "1");
    await store.clock.advance(1_000);
    expect(await next).toEqual([{ kind: "progress", revision: 2 }]);
  });

  it("may be told the events of one revision in fragments", async () => {
    const store = await StoreHarness.open(new MemoryStorage(), { answerBytes: 10 });
    for (const key of ["a", "b", "c"]) await store.put(key, "12345678");
    const asked = { ...all, prevKv: true, noPut: true };
    const whole = store.machine.watch(watchRequest(asked));
    const inParts = store.machine.watch(watchRequest({ ...asked, fragment: true }));
    await store.delete("a", "z");
    expect(await readAll(whole)).toMatchObject([{ fragment: false, events: [{}, {}, {}] }]);
    const parts = await readAll(inParts);
    expect(parts).toMatchObject([{ fragment: true }, { fragment: true }, { fragment: false }]);
    expect(wordsOf(parts)).toHaveLength(3);
  });

  it("tells everything once and in order, however slow, by random histories", async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const commands = new RandomCommands(seededRandom(seed));
      const naive = new NaiveStore();
      const options = { recentEvents: commands.below(12), answerEvents: 1 + commands.below(5) };
      const store = await StoreHarness.open(new MemoryStorage(), options);
      const watched = new Map<Watcher, string[]>();
      for (let i = 1; i <= 200; i++) {
        const command = commands.command(naive.revision, 1);
        // A compaction may end a slow watch, which is tested above.
        if (command.kind === "compact") continue;
        naive.apply(command, 1);
        await store.machine.apply([
          { ...store.entry(null), kind: "command", command: encodeCommand(command) },
        ]);
        if (commands.below(20) === 0) {
          const startRevision = 1 + commands.below(naive.revision + 3);
          watched.set(store.machine.watch(watchRequest({ ...all, startRevision })), []);
        }
        for (const [watcher, told] of watched) {
          if (commands.below(6) === 0) told.push(...wordsOf(await readNow(watcher)));
        }
      }
      for (const [watcher, told] of watched) {
        told.push(...wordsOf(await readAll(watcher)));
        const { startRevision } = watcher.request;
        const expected = naive.events
          .filter(({ revision }) => revision >= startRevision)
          .map(({ revision, type, keyValue }) => {
            return `${revision} ${type} ${keyValue.key}=${bytesText(keyValue.value)}`;
          });
        expect(told, `seed ${seed}, from ${startRevision}`).toEqual(expected);
      }
      expect(watched.size).toBeGreaterThan(0);
    }
  });
});
