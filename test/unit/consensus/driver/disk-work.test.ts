import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../../src/base/index.ts";
import { DiskWork } from "../../../../src/consensus/driver/disk-work.ts";
import { defaultDriverOptions } from "../../../../src/consensus/driver/driver-options.ts";
import type { RaftEvent } from "../../../../src/consensus/index.ts";
import { MemoryDisk, MemoryLog } from "../../../support/raft/memory-ports.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const peer = "b" as NodeId;

function diskWork() {
  const clock = new ManualClock();
  const events: RaftEvent[] = [];
  const chunk = { bytes: new Uint8Array(8), done: false };
  const disk = new DiskWork(
    {
      clock,
      logger: recordingLogger(),
      log: new MemoryLog(clock, new MemoryDisk()),
      snapshots: { readChunk: async () => chunk } as never,
      feed: (event) => events.push(event),
      fail: ({ message }) => expect.unreachable(message),
      onPersisted() {},
    },
    { ...defaultDriverOptions, snapshotRestRatio: 2, maxSnapshotRestMs: 100 },
  );
  const offsets = () =>
    events.flatMap((event) => (event.kind === "snapshot-chunk-read" ? [event.offset] : []));
  const read = (offset: number) =>
    void disk.readChunk({ kind: "read-snapshot-chunk", peer, index: 9, offset, maxBytes: 8 });
  const write = () => disk.persist({ kind: "persist", token: 1, hardState: null, entries: [] });
  return { clock, read, write, offsets };
}

describe("a snapshot on its way to a follower", () => {
  it("rests twice as long as its last chunk took while the group writes", async () => {
    const { clock, read, write, offsets } = diskWork();
    read(0);
    await clock.advance(10);
    write();
    read(8);
    await clock.advance(19);
    expect(offsets()).toEqual([0]);
    await clock.advance(1);
    expect(offsets()).toEqual([0, 8]);
  });

  it("never rests as long as an election takes", async () => {
    const { clock, read, write, offsets } = diskWork();
    read(0);
    await clock.advance(5_000);
    write();
    read(8);
    await clock.advance(100);
    expect(offsets()).toEqual([0, 8]);
  });

  it("hurries while nothing is written", async () => {
    const { clock, read, offsets } = diskWork();
    read(0);
    await clock.advance(10);
    read(8);
    await clock.advance(0);
    expect(offsets()).toEqual([0, 8]);
  });
});
