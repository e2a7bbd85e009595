import { describe, expect, it } from "vitest";
import { checkedRaftOptions, defaultRaftOptions } from "../../../src/consensus/index.ts";
import { leaseMs } from "../../../src/consensus/options.ts";

describe("Raft options", () => {
  it("can work as they come, and are frozen", () => {
    const checked = checkedRaftOptions(defaultRaftOptions);
    expect(checked.ok && Object.isFrozen(checked.value)).toBe(true);
  });

  it("are refused with every reason at once", () => {
    const checked = checkedRaftOptions({
      ...defaultRaftOptions,
      heartbeatMs: 500,
      maxClockDriftRatio: 0.5,
      priority: 101,
      maxAppendBytes: 0,
      retainedEntries: -1,
      snapshotChunkBytes: Number.NaN,
    });
    if (checked.ok) throw new Error("these options cannot work");
    expect(checked.fault.code).toBe("E_RAFT_OPTIONS");
    for (const name of [
      "electionTimeoutMs",
      "maxClockDriftRatio",
      "priority",
      "maxAppendBytes",
      "retainedEntries",
      "snapshotChunkBytes",
    ]) {
      expect(checked.fault.message).toContain(name);
    }
  });

  it("make the slowest leader's lease end before the fastest follower may elect another", () => {
    for (const maxClockDriftRatio of [0, 0.01, 0.1, 0.3]) {
      const options = { ...defaultRaftOptions, maxClockDriftRatio };
      const leaseTrueMs = leaseMs(options) / (1 - maxClockDriftRatio);
      const protectionTrueMs = options.electionTimeoutMs / (1 + maxClockDriftRatio);
      expect(leaseTrueMs).toBeLessThanOrEqual(protectionTrueMs + 1e-9);
    }
  });
});
