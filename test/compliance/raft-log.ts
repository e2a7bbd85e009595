/** What every Raft log does, whatever it stands on. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Entry, RaftLog, RecoveredLog, SnapshotMeta } from "../../src/consensus/index.ts";
import { asTerm } from "../../src/consensus/index.ts";
import { command, commands, hardState, sampleMembership, snapshotAt } from "./sample-log.ts";

export interface LogUnderTest {
  /** Not recovered yet. */
  readonly log: RaftLog;
  /** Stops the log and opens it again, not recovered yet. */
  restart(): Promise<RaftLog>;
  setFull(full: boolean): void;
  cleanUp(): Promise<void>;
}

export function raftLogComplies(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`${name} is a Raft log`, () => {
    let subject: LogUnderTest;
    let log: RaftLog;
    beforeEach(async () => {
      subject = await open();
      ({ log } = subject);
    });
    afterEach(async () => {
      await log.stop();
      await subject.cleanUp();
    });

    async function recover(snapshot: SnapshotMeta | null = null): Promise<RecoveredLog> {
      const recovered = await log.recover(snapshot);
      if (!recovered.ok) throw new Error(recovered.fault.message);
      const { entries } = recovered.value;
      return { ...recovered.value, entries: entries.map(plain) };
    }
    async function reopened(snapshot: SnapshotMeta | null = null): Promise<RecoveredLog> {
      log = await subject.restart();
      return await recover(snapshot);
    }
    const write = (...entries: Entry[]) => log.write({ hardState: null, entries });

    it("is empty when new", async () => {
      const base = { index: 0, term: 0 };
      expect(await recover()).toEqual({ hardState: hardState(0), base, entries: [] });
    });

    it("finds entries of every kind again, and the vote", async () => {
      await recover();
      const entries: Entry[] = [
        { index: 1, term: asTerm(1), kind: "membership", membership: sampleMembership },
        { index: 2, term: asTerm(3), kind: "no-op" },
        command(3, 3, 0),
        command(4, 2 ** 40, 100_000),
      ];
      await log.write({ hardState: hardState(2 ** 40, "knöt"), entries });
      const found = await reopened();
      expect(found.entries).toEqual(entries);
      expect(found.hardState).toEqual(hardState(2 ** 40, "knöt"));
    });

    it("remembers a repair, with and without knowing how far the log went", async () => {
      await recover();
      for (const lastIndex of [null, 17]) {
        const repair = { term: asTerm(4), lastIndex };
        await log.write({ hardState: { ...hardState(5, "n1"), repair }, entries: [] });
        const found = await reopened();
        expect(found.hardState).toEqual({ ...hardState(5, "n1"), repair });
      }
    });

    it("replaces everything at and after the first entry of a write", async () => {
      await recover();
      await write(...commands(1, 10));
      await log.write({ hardState: hardState(2), entries: commands(4, 5, 2) });
      expect((await reopened()).entries).toEqual([...commands(1, 3), ...commands(4, 5, 2)]);
    });

    it("keeps the order of writes that wait together", async () => {
      await recover();
      const one = write(...commands(1, 5));
      const other = log.write({ hardState: hardState(2, "n2"), entries: commands(3, 4, 2) });
      const third = log.write({ hardState: hardState(3), entries: [] });
      const last = write(command(5, 3));
      await Promise.all([one, other, third, last]);
      const found = await reopened();
      expect(found.entries).toEqual([...commands(1, 2), ...commands(3, 4, 2), command(5, 3)]);
      expect(found.hardState).toEqual(hardState(3));
    });

    it("forgets what is compacted, and continues", async () => {
      await recover();
      await write(...commands(1, 100));
      await log.compact({ index: 60, term: asTerm(1) }, snapshotAt(80));
      await write(command(101));
      const found = await reopened(snapshotAt(80));
      expect(found.base).toEqual({ index: 60, term: 1 });
      expect(found.entries).toEqual(commands(61, 101));
    });

    it("takes a compaction that a reset has overtaken calmly", async () => {
      await recover();
      await write(...commands(1, 10));
      await Promise.all([
        log.reset(snapshotAt(50, 2)),
        log.compact({ index: 5, term: asTerm(1) }, snapshotAt(5)),
      ]);
      expect((await reopened(snapshotAt(50, 2))).base).toEqual({ index: 50, term: 2 });
    });

    it("continues behind a snapshot after a reset, and keeps the vote", async () => {
      await recover();
      await log.write({ hardState: hardState(3, "n2"), entries: commands(1, 100) });
      const reset = log.reset(snapshotAt(40, 3));
      await Promise.all([reset, write(command(41, 3))]);
      const found = await reopened(snapshotAt(40, 3));
      expect(found.base).toEqual({ index: 40, term: 3 });
      expect(found.entries).toEqual([command(41, 3)]);
      expect(found.hardState).toEqual(hardState(3, "n2"));
    });

    it("is emptied up to a snapshot that came in just before the end", async () => {
      await recover();
      await write(...commands(1, 10));
      for (const snapshot of [snapshotAt(9, 2), snapshotAt(30, 2)]) {
        const { index, term } = snapshot;
        const expected = { hardState: hardState(0), base: { index, term }, entries: [] };
        expect(await reopened(snapshot)).toEqual(expected);
        expect(await reopened(snapshot)).toEqual(expected);
      }
    });

    it("keeps the entries that follow a snapshot it holds", async () => {
      await recover();
      await write(...commands(1, 10));
      expect((await reopened(snapshotAt(7))).entries).toEqual(commands(1, 10));
    });

    it("says that entries are missing when the snapshot it was compacted for is gone", async () => {
      await recover();
      await log.write({ hardState: hardState(4), entries: commands(1, 100, 4) });
      await log.compact({ index: 60, term: asTerm(4) }, snapshotAt(80, 4));
      const found = await reopened(snapshotAt(20, 2));
      const base = { index: 20, term: 2 };
      const repair = { term: 4, lastIndex: 100 };
      expect(found).toEqual({ hardState: { ...hardState(4), repair }, base, entries: [] });
      expect(await reopened(snapshotAt(20, 2))).toEqual(found);
    });

    it("keeps writes waiting while the disk is full, says so, and goes on", async () => {
      await recover();
      const told: boolean[] = [];
      log.onFull((full) => told.push(full));
      await write(command(1));
      subject.setFull(true);
      const order: number[] = [];
      const waiting = [2, 3].map((index) => write(command(index)).then(() => order.push(index)));
      await expect.poll(() => told).toEqual([true]);
      expect(order).toEqual([]);
      subject.setFull(false);
      await Promise.all(waiting);
      expect(order).toEqual([2, 3]);
      expect(told).toEqual([true, false]);
      expect((await reopened()).entries).toEqual(commands(1, 3));
    });

    it("takes thousands of writes at once", async () => {
      await recover();
      const writes: Promise<void>[] = [];
      for (let index = 1; index <= 3_000; index++) writes.push(write(command(index, 1, 64)));
      await Promise.all(writes);
      expect((await reopened()).entries).toEqual(commands(1, 3_000, 1, 64));
    });

    it("lets what is under way finish when it is stopped", async () => {
      await recover();
      const writes = [write(command(1)), write(command(2))];
      await log.stop();
      await Promise.all(writes);
      expect((await reopened()).entries).toEqual(commands(1, 2));
    });
  });
}

/** Commands as plain arrays: whether a view or a copy is read back does not matter. */
function plain(entry: Entry): Entry {
  return entry.kind === "command" ? { ...entry, command: Uint8Array.from(entry.command) } : entry;
}
