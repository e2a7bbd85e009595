import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../../src/base/index.ts";
import { asTerm, type DriverStatus } from "../../../../src/consensus/index.ts";
import type { MemberStatus } from "../../../../src/consensus/io/member-calls.ts";
import { removedMeanwhile } from "../../../../src/node/consensus/removal-check.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const member = (id: string) => ({ id: id as NodeId, address: `${id}:1` });
const group = (...ids: string[]) => ({ voters: ids.map(member), outgoing: null, learners: [] });

const own = {
  id: "c" as NodeId,
  leaderId: null,
  term: asTerm(3),
  commitIndex: 10,
  membership: group("a", "b", "c"),
} as unknown as DriverStatus;

const leader: MemberStatus = {
  protocolVersion: 1,
  clusterId: "cluster",
  nodeId: "a" as NodeId,
  role: "leader",
  term: asTerm(4),
  leaderId: "a" as NodeId,
  membership: group("a", "b"),
  commitIndex: 12,
  appliedIndex: 12,
  lastIndex: 12,
};

async function concludes(answer: MemberStatus | null, status = own): Promise<boolean> {
  const clock = new ManualClock();
  const stop = new AbortController();
  const parts = { clock, status: () => status, ask: async () => answer };
  const result = removedMeanwhile(parts, "cluster", stop.signal);
  await clock.advance(10_000);
  stop.abort();
  return result;
}

describe("a node that hears of no leader", () => {
  it("concludes from a leader that goes on without it that it was removed", async () => {
    expect(await concludes(leader)).toBe(true);
  });

  it.each([
    ["nobody answers", null],
    ["it is still a member", { ...leader, membership: group("a", "b", "c") }],
    ["a follower says so", { ...leader, role: "follower" as const }],
    ["another cluster says so", { ...leader, clusterId: "other" }],
    ["who says so is of an older term", { ...leader, term: asTerm(2) }],
    ["who says so knows less than itself", { ...leader, commitIndex: 9 }],
  ])("does not when %s", async (_, answer) => {
    expect(await concludes(answer)).toBe(false);
  });

  it("does not while it has a leader", async () => {
    expect(await concludes(leader, { ...own, leaderId: "a" as NodeId })).toBe(false);
  });
});
