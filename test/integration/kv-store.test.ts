import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seededRandom, silentLogger } from "../../src/base/index.ts";
import {
  defaultKvOptions,
  KvStateMachine,
  type KvStorage,
  rangeRequest,
} from "../../src/kvstore/index.ts";
import {
  discardLevelStorage,
  MemoryStorage,
  openLevelStorage,
} from "../../src/kvstore/io/index.ts";
import { drawLog, RandomCommands } from "../support/random-commands.ts";
import { realClock } from "../support/real-clock.ts";

const program = join(import.meta.dirname, "support/apply-until-killed.ts");
const never = new AbortController().signal;
const everything = rangeRequest({ key: "\0", rangeEnd: "\0" });

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshmend-kv-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function started(storage: KvStorage): Promise<KvStateMachine> {
  const parts = { storage, clock: realClock, logger: silentLogger };
  const store = new KvStateMachine(parts, defaultKvOptions);
  const result = await store.start();
  if (!result.ok) throw new Error(result.fault.code);
  return store;
}

async function openedLevel(path: string): Promise<KvStateMachine> {
  const opened = await openLevelStorage(path);
  if (!opened.ok) throw new Error(opened.fault.code);
  try {
    return await started(opened.value);
  } catch (thrown) {
    await opened.value.stop();
    throw thrown;
  }
}

async function pictureOf(store: KvStateMachine) {
  const { unswept, ...status } = store.status();
  const hash = await store.hash(0, never);
  const read = await store.range(everything);
  const all = read.ok
    ? read.value.keyValues.map((each) => ({ ...each, value: [...each.value] }))
    : [];
  return { applied: store.applied(), hash, status, all };
}

/** Kills the child some lines after its first; answers the last index it has spoken of. */
async function killedAfter(child: ChildProcess, lines: number): Promise<number> {
  const exited = once(child, "exit");
  let said = 0;
  let count = 0;
  if (child.stdout === null) throw new Error("it has an output");
  for await (const line of createInterface(child.stdout)) {
    said = Number(line);
    if (++count === lines) child.kill("SIGKILL");
  }
  await exited;
  return said;
}

describe("the store on LevelDB", () => {
  it("survives kill -9 in the middle of its batches: data and applied index agree", async () => {
    const entries = 6_000;
    const log = drawLog(11, entries);
    const path = join(folder, "kv");
    const chance = new RandomCommands(seededRandom(3));
    let kills = 0;
    for (let round = 0; round < 12; round++) {
      const arguments_ = [program, path, "11", String(entries)];
      const stdio: ("ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", "inherit"];
      const child = spawn(process.execPath, arguments_, { stdio });
      const said = await killedAfter(child, 2 + chance.below(30));
      if (child.signalCode === "SIGKILL") kills++;
      const store = await openedLevel(path);
      const { index } = store.applied();
      expect(index).toBeGreaterThanOrEqual(said);
      // The same log up to there, in memory and undisturbed.
      const reference = await started(new MemoryStorage());
      await reference.apply(log.slice(0, index));
      expect(await pictureOf(store), `killed at ${index}`).toEqual(await pictureOf(reference));
      await store.stop();
    }
    expect(kills).toBeGreaterThan(8);
  });

  it("says that it is damaged when a table of it is, and is built again when it is gone", async () => {
    const path = join(folder, "kv");
    const store = await openedLevel(path);
    const log = drawLog(2, 3_000);
    await store.apply(log);
    await store.defragment(never);
    const expected = await pictureOf(store);
    await store.stop();
    const tables = (await readdir(path)).filter((name) => name.endsWith(".ldb"));
    expect(tables.length).toBeGreaterThan(0);
    for (const table of tables) {
      const file = await open(join(path, table), "r+");
      await file.write(Buffer.alloc(64, 0xa5), 0, 64, 200);
      await file.close();
    }
    await expect(openedLevel(path)).rejects.toThrow(/E_STORE_DAMAGED|corrupt|block|checksum/i);
    await discardLevelStorage(path);
    const again = await openedLevel(path);
    expect(again.applied().index).toBe(0);
    await again.apply(log);
    expect((await pictureOf(again)).hash).toEqual(expected.hash);
    await again.stop();
  });

  it("is opened by one process at a time", async () => {
    const path = join(folder, "kv");
    const store = await openedLevel(path);
    expect(await openLevelStorage(path)).toMatchObject({ fault: { code: "E_DATA_DIR_IN_USE" } });
    await store.stop();
  });
});
