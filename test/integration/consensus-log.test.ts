/** The Raft log on a real disk: kills, flipped bytes, cuts, missing files, failing and full disks. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seededRandom, silentLogger } from "../../src/base/index.ts";
import { asTerm, type Entry, type RecoveredLog } from "../../src/consensus/index.ts";
import { SegmentedLog, type SegmentedLogOptions } from "../../src/consensus/io/index.ts";
import { hardState, snapshotAt } from "../compliance/sample-log.ts";
import { FaultyFileSystem, systemError } from "../support/faulty-file-system.ts";
import { realClock } from "../support/real-clock.ts";
import { mountTmpfs } from "./support/tmpfs.ts";

const segmentBytes = 256 << 10;

/** Text that can be found in the file. */
function textEntry(index: number, term = 1, bytes = 40): Entry {
  const command = Buffer.alloc(bytes, `#${String(index).padStart(6, "0")} in ${term};`);
  return { index, term: asTerm(term), kind: "command", command };
}
function textEntries(first: number, last: number, term = 1, bytes = 40): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, at) => textEntry(first + at, term, bytes));
}

/** What they hold, in a form whose difference can be read. */
function textsOf(entries: readonly Entry[]): string[] {
  return entries.map((entry) =>
    entry.kind === "command"
      ? `${entry.command.length}: ${Buffer.from(entry.command).toString("latin1", 0, 24)}`
      : entry.kind,
  );
}

describe("the Raft log on disk", () => {
  let folder: string;
  const opened: SegmentedLog[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meshmend-log-"));
  });
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.stop();
    rmSync(folder, { recursive: true });
  });

  function logOf(options: Partial<SegmentedLogOptions> = {}, fileSystem = new FaultyFileSystem()) {
    const parts = { clock: realClock, random: seededRandom(1), logger: silentLogger, fileSystem };
    const owner = { clusterId: "c", nodeId: "n1", mayCreate: true, retryMs: 20 };
    const log = new SegmentedLog(parts, { folder, ...owner, segmentBytes, ...options });
    opened.push(log);
    return log;
  }
  async function found(log: SegmentedLog, snapshot = null as ReturnType<typeof snapshotAt> | null) {
    const recovered = await log.recover(snapshot);
    if (!recovered.ok) throw new Error(`${recovered.fault.code}: ${recovered.fault.message}`);
    return recovered.value;
  }
  const lastOf = ({ base, entries }: RecoveredLog) => base.index + entries.length;
  const segments = () =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".segment"))
      .sort();
  function edit(name: string, change: (bytes: Buffer) => Buffer | undefined): void {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    writeFileSync(path, change(bytes) ?? bytes);
  }
  function flip(name: string, ...positions: number[]): void {
    edit(name, (bytes) => {
      for (const at of positions) bytes.writeUInt8(bytes.readUInt8(at) ^ 0x20, at);
      return undefined;
    });
  }
  /** Where the text of this entry stands. */
  function placeOf(entry: Entry): { readonly name: string; readonly at: number } {
    if (entry.kind !== "command") throw new Error("commands only");
    for (const name of segments()) {
      const at = readFileSync(join(folder, name)).lastIndexOf(entry.command);
      if (at !== -1) return { name, at };
    }
    throw new Error(`entry ${entry.index} is in no segment`);
  }
  /** Writes 1 to `last` one by one, so that each is a group, then votes in term 7. */
  async function filled(last: number, bytes = 40): Promise<void> {
    const log = logOf();
    await found(log);
    for (const entry of textEntries(1, last, 1, bytes)) {
      await log.write({ hardState: null, entries: [entry] });
    }
    await log.write({ hardState: hardState(7, "n2"), entries: [] });
    await log.stop();
  }

  it("loses nothing acknowledged in 50 rounds of kill -9, and finds no damage", async () => {
    const script = new URL("support/append-to-log.ts", import.meta.url).pathname;
    const random = seededRandom(7);
    const said = join(folder, "said");
    let acknowledged = { index: 0, term: 0 };
    let snapshot = { index: 0, term: 0 };
    let vote = 0;
    let count = 0;
    for (let round = 0; round < 50; round++) {
      const output = openSync(said, "w");
      const { index, term } = snapshot;
      const child = spawn(
        process.execPath,
        [script, join(folder, "log"), String(round), String(index), String(term)],
        { stdio: ["ignore", output, "inherit"] },
      );
      closeSync(output);
      const begun = () => child.exitCode !== null || readFileSync(said, "utf8").includes("entry");
      await expect.poll(begun, { timeout: 20_000, interval: 5 }).toBe(true);
      await delay(random.uint32() % 80);
      expect(child.exitCode).toBe(null);
      child.kill("SIGKILL");
      await once(child, "close");
      const [first = "", ...lines] = readFileSync(said, "utf8").split("\n").slice(0, -1);
      const state = JSON.parse(first.slice("found ".length)) as Record<string, unknown>;
      expect(state, `round ${round}`).toMatchObject({ repair: null, wrong: null });
      expect(state["term"]).toBeGreaterThanOrEqual(vote);
      if (state["term"] !== 0) expect(state["votedFor"]).toBe(`n${String(state["term"])}`);
      // A newer leader may have replaced entries in a write that was under way.
      if (state["term"] === vote) {
        expect(state["lastIndex"]).toBeGreaterThanOrEqual(acknowledged.index);
      }
      for (const line of lines) {
        const [what, one = 0, other = 0] = line.split(" ").map((w, at) => (at > 0 ? Number(w) : w));
        const place = { index: Number(one), term: Number(other) };
        if (what === "vote") vote = Number(one);
        else if (what === "snapshot") snapshot = place;
        else acknowledged = place;
        count++;
      }
    }
    expect(count).toBeGreaterThan(5_000);
    expect(snapshot.index).toBeGreaterThan(0);
  }, 180_000);

  it("ends before an unreadable entry in its middle, and says how far it had gone", async () => {
    await filled(100);
    const { name, at } = placeOf(textEntry(40));
    flip(name, at);
    const log = await found(logOf());
    expect(log.entries.map(({ index }) => index)).toEqual(textEntries(1, 39).map((e) => e.index));
    const repair = { term: 7, lastIndex: 100 };
    expect(log.hardState).toEqual({ ...hardState(7, "n2"), repair });
    const again = logOf();
    await opened[1]?.stop();
    const { entries, ...state } = await found(again);
    expect([textsOf(entries), state.hardState]).toEqual([textsOf(log.entries), log.hardState]);
    await again.write({ hardState: null, entries: [textEntry(40, 8)] });
    await again.stop();
    const after = await found(logOf());
    expect(lastOf(after)).toBe(40);
    expect(after.hardState.repair).toEqual(repair);
  });

  it("takes an unreadable last entry for what it is: acknowledged, and lost", async () => {
    await filled(30);
    const log = logOf();
    await found(log);
    await log.write({ hardState: null, entries: [textEntry(31)] });
    await delay(100);
    const { name, at } = placeOf(textEntry(31));
    await log.stop();
    flip(name, at);
    const after = await found(logOf());
    expect(lastOf(after)).toBe(30);
    expect(after.hardState.repair).toEqual({ term: 7, lastIndex: 31 });
  });

  it("cuts off what was torn, wherever it was torn, and goes on", async () => {
    await filled(20);
    const { name, at } = placeOf(textEntry(20));
    // The frame of one entry under no vote: 32 bytes of header, 36 before the command.
    const start = at - 68;
    for (let cut = at + 60; cut > start; cut -= 7) {
      edit(name, (bytes) => bytes.fill(0, cut));
      const log = logOf();
      const before = await found(log);
      expect(before.hardState.repair).toBe(null);
      expect([19, 20]).toContain(lastOf(before));
      await log.stop();
    }
    const log = logOf();
    expect(lastOf(await found(log))).toBe(19);
    await log.write({ hardState: hardState(8), entries: [textEntry(20, 8)] });
    await log.stop();
    expect(textsOf((await found(logOf())).entries)[19]).toBe(textsOf([textEntry(20, 8)])[0]);
  });

  it("ends with a file that lost its end, and loses nothing when only zeros went", async () => {
    await filled(50);
    const { name, at } = placeOf(textEntry(50));
    edit(name, (bytes) => bytes.subarray(0, at + 1_000));
    const log = logOf();
    expect(lastOf(await found(log))).toBe(50);
    for (let index = 51; index < 3_000; index++) {
      void log.write({ hardState: null, entries: [textEntry(index)] });
    }
    await log.stop();
    const after = await found(logOf());
    expect([lastOf(after), after.hardState.repair]).toEqual([2_999, null]);
  });

  it("survives the loss of one copy of a header, not of both", async () => {
    await filled(10);
    const [name = ""] = segments();
    flip(name, 100, 20);
    const log = logOf();
    expect(lastOf(await found(log))).toBe(10);
    await log.stop();
    flip(name, 4096 + 20);
    const refused = await logOf().recover(null);
    expect(refused).toMatchObject({ ok: false, fault: { code: "E_LOG_DAMAGED" } });
  });

  it("ends before a segment that is gone or has no header left", async () => {
    await filled(2_000, 400);
    const names = segments();
    expect(names.length).toBeGreaterThan(3);
    const [, second = "", third = ""] = names;
    flip(third, 20, 4096 + 20);
    const log = logOf();
    const one = await found(log);
    expect(one.hardState).toEqual({ ...hardState(7, "n2"), repair: { term: 7, lastIndex: 2_000 } });
    expect(one.entries[0]?.index).toBe(1);
    expect(lastOf(one)).toBeLessThan(2_000);
    await log.stop();
    rmSync(folder, { recursive: true });
    await filled(2_000, 400);
    rmSync(join(folder, second));
    const other = await found(logOf());
    expect(lastOf(other)).toBeLessThan(lastOf(one));
    expect(other.hardState.repair).toEqual({ term: 7, lastIndex: 2_000 });
  });

  it("needs no repair for damage in what a snapshot covers", async () => {
    await filled(100);
    const { name, at } = placeOf(textEntry(40));
    flip(name, at);
    for (let start = 0; start < 2; start++) {
      const log = logOf();
      const after = await found(log, snapshotAt(50));
      expect(after.hardState).toEqual(hardState(7, "n2"));
      expect(after.base).toEqual({ index: 50, term: 1 });
      expect(lastOf(after)).toBe(100);
      await log.stop();
    }
  });

  it("refuses to begin anew where a log was before", async () => {
    const missing = { ok: false, fault: { code: "E_LOG_MISSING" } };
    expect(await logOf({ mayCreate: false }).recover(null)).toMatchObject(missing);
    expect(await logOf().recover(snapshotAt(5))).toMatchObject(missing);
  });

  it("refuses the log of another node and of another cluster", async () => {
    await filled(3);
    for (const other of [{ nodeId: "n2" }, { clusterId: "d" }]) {
      const refused = await logOf(other).recover(null);
      expect(refused).toMatchObject({ ok: false, fault: { code: "E_LOG_FOREIGN" } });
    }
  });

  it("is of no use any more after a failed write, and is not asked again", async () => {
    const fileSystem = new FaultyFileSystem();
    const log = logOf({}, fileSystem);
    await found(log);
    await log.write({ hardState: null, entries: [textEntry(1)] });
    let attempts = 0;
    fileSystem.before = (operation) => {
      if (operation === "writeDurably" && ++attempts === 1) throw systemError("EIO");
    };
    const writes = [log.write({ hardState: null, entries: [textEntry(2)] })];
    writes.push(log.write({ hardState: null, entries: [textEntry(3)] }));
    for (const write of writes) await expect(write).rejects.toThrow("EIO");
    await expect(log.write({ hardState: null, entries: [] })).rejects.toThrow("EIO");
    await expect(log.compact({ index: 1, term: asTerm(1) }, snapshotAt(1))).rejects.toThrow("EIO");
    expect(attempts).toBe(1);
    await log.stop();
    expect(lastOf(await found(logOf()))).toBe(1);
  });

  it("is of no use any more when the next segment cannot be synced", async () => {
    const fileSystem = new FaultyFileSystem();
    const log = logOf({}, fileSystem);
    await found(log);
    fileSystem.before = (operation, path) => {
      if (operation === "sync" && path.includes("spare")) throw systemError("EIO");
    };
    const written: number[] = [];
    const appending = async () => {
      for (const entry of textEntries(1, 2_000, 1, 400)) {
        await log.write({ hardState: null, entries: [entry] });
        written.push(entry.index);
      }
    };
    await expect(appending()).rejects.toThrow("EIO");
    await log.stop();
    expect(lastOf(await found(logOf()))).toBe(written.length);
  });

  it("gives up waiting for room when it is stopped", async () => {
    const fileSystem = new FaultyFileSystem();
    const log = logOf({}, fileSystem);
    await found(log);
    fileSystem.setFull(true);
    const write = log.write({ hardState: null, entries: [textEntry(1)] });
    const refused = expect(write).rejects.toThrow();
    await delay(50);
    await log.stop();
    await refused;
  });

  it("on a full disk waits, compacts, and goes on with the room that gives", async (ctx) => {
    const tmpfs = mountTmpfs(join(folder, "small"), 2 << 20);
    if (tmpfs.kind === "refused") return ctx.skip(tmpfs.reason);
    try {
      const log = logOf({ folder: join(folder, "small", "log") });
      await found(log);
      const told: boolean[] = [];
      log.onFull((full) => told.push(full));
      let written = 0;
      const writes = textEntries(1, 8_000, 1, 400).map((entry) =>
        log.write({ hardState: null, entries: [entry] }).then(() => {
          written = entry.index;
        }),
      );
      await expect.poll(() => told, { timeout: 20_000 }).toEqual([true]);
      expect(written).toBeGreaterThan(1_000);
      await delay(100);
      const before = written;
      // Each round frees what is on disk; the rest follows into the room.
      while (written < 8_000) {
        const upTo = written;
        await log.compact({ index: upTo, term: asTerm(1) }, snapshotAt(upTo));
        await expect.poll(() => written > upTo || upTo === 8_000, { timeout: 20_000 }).toBe(true);
        await delay(50);
      }
      await Promise.all(writes);
      expect(before).toBeLessThan(8_000);
      expect(told.at(-1)).toBe(false);
      await log.stop();
      const after = await found(logOf({ folder: join(folder, "small", "log") }), snapshotAt(8_000));
      expect([lastOf(after), after.hardState.repair]).toEqual([8_000, null]);
      await opened.at(-1)?.stop();
    } finally {
      tmpfs.unmount();
    }
  });

  it("on a disk full with other files goes on when they are gone", async (ctx) => {
    const tmpfs = mountTmpfs(join(folder, "small"), 2 << 20);
    if (tmpfs.kind === "refused") return ctx.skip(tmpfs.reason);
    try {
      const log = logOf({ folder: join(folder, "small", "log") });
      await found(log);
      const ballast = join(folder, "small", "ballast");
      writeFileSync(ballast, Buffer.alloc(1 << 20));
      const told: boolean[] = [];
      log.onFull((full) => told.push(full));
      const writes = textEntries(1, 3_000, 1, 400).map((entry) =>
        log.write({ hardState: null, entries: [entry] }),
      );
      await expect.poll(() => told, { timeout: 20_000 }).toEqual([true]);
      rmSync(ballast);
      await Promise.all(writes);
      expect(told).toEqual([true, false]);
      expect(existsSync(ballast)).toBe(false);
      await log.stop();
    } finally {
      tmpfs.unmount();
    }
  });

  it("keeps its files to a few while it is compacted", async () => {
    const log = logOf();
    await found(log);
    for (let upTo = 500; upTo <= 10_000; upTo += 500) {
      await log.write({ hardState: null, entries: textEntries(upTo - 499, upTo, 1, 300) });
      await log.compact({ index: upTo - 100, term: asTerm(1) }, snapshotAt(upTo));
    }
    expect(readdirSync(folder).length).toBeLessThanOrEqual(6);
    await log.stop();
    const after = await found(logOf(), snapshotAt(10_000));
    expect(textsOf(after.entries)).toEqual(textsOf(textEntries(9_901, 10_000, 1, 300)));
  });

  it("takes an entry that is larger than a segment", async () => {
    const log = logOf();
    await found(log);
    const large = textEntry(2, 1, 3 * segmentBytes);
    const entries = [textEntry(1), large, textEntry(3)];
    await log.write({ hardState: null, entries });
    await log.stop();
    expect(textsOf((await found(logOf())).entries)).toEqual(textsOf(entries));
  });
});
