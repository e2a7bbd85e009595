import { describe, expect, it } from "vitest";
import { type NodeId, seededRandom } from "../../../src/base/index.ts";
import {
  asTerm,
  bootstrapped,
  createRaft,
  defaultRaftOptions,
  type Effect,
  type Entry,
  nextWakeMs,
  nothingRecovered,
  type RaftEvent,
  type RaftState,
  type Recovered,
  statusOf,
  step,
} from "../../../src/consensus/index.ts";

const id = "a" as NodeId;
const alone = bootstrapped([{ id, address: "a:1" }]);
const trio = bootstrapped(["a", "b", "c"].map((name) => ({ id: name as NodeId, address: name })));

const noOp = (index: number, term: number): Entry => ({
  index,
  term: asTerm(term),
  kind: "no-op",
});

function create(recovered: Recovered, seed = 1): RaftState {
  const identity = { id, clusterId: "test" };
  const created = createRaft(
    { random: seededRandom(seed), recovered },
    identity,
    defaultRaftOptions,
    0,
  );
  if (!created.ok) throw new Error(created.fault.message);
  return created.value;
}

/** Answers every write and apply at once, as a driver with an infinitely fast disk would. */
function drive(state: RaftState, event: RaftEvent, nowMs: number): Effect[] {
  const all: Effect[] = [];
  let events: RaftEvent[] = [event];
  while (events.length > 0) {
    const effects = step(state, events, nowMs);
    all.push(...effects);
    events = effects.flatMap((effect): RaftEvent[] => {
      if (effect.kind === "persist") return [{ kind: "persisted", token: effect.token }];
      if (effect.kind !== "apply") return [];
      return [{ kind: "applied", index: effect.entries.at(-1)?.index ?? 0 }];
    });
  }
  return all;
}

describe("a single node", () => {
  it("leads at its first tick, without waiting for anybody", () => {
    const state = create(alone);
    drive(state, { kind: "tick" }, 1);
    expect(statusOf(state)).toMatchObject({
      role: "leader",
      term: 2,
      commitIndex: 2,
      leaderId: id,
    });
  });

  it("writes all proposals of a step at once, and answers each with its place", () => {
    const state = create(alone);
    drive(state, { kind: "tick" }, 1);
    const proposals = [1, 2, 3].map(
      (request): RaftEvent => ({
        kind: "propose",
        id: request,
        commands: [new Uint8Array(8), new Uint8Array(8)],
      }),
    );
    const effects = step(state, proposals, 2);
    const writes = effects.filter((effect) => effect.kind === "persist");
    expect(writes).toHaveLength(1);
    expect(writes[0]?.entries.map(({ index }) => index)).toEqual([3, 4, 5, 6, 7, 8]);
    const accepted = effects.filter((effect) => effect.kind === "accepted");
    expect(accepted.map(({ id: request, firstIndex }) => [request, firstIndex])).toEqual([
      [1, 3],
      [2, 5],
      [3, 7],
    ]);
  });

  it("applies nothing that its disk has not confirmed", () => {
    const state = create(alone);
    drive(state, { kind: "tick" }, 1);
    const effects = step(state, [{ kind: "propose", id: 1, commands: [new Uint8Array(1)] }], 2);
    expect(effects.some(({ kind }) => kind === "apply")).toBe(false);
    expect(statusOf(state).commitIndex).toBe(2);
  });

  it("does not campaign with a full disk, as it could not keep its vote", () => {
    const state = create(alone);
    drive(state, { kind: "disk-full", full: true }, 1);
    drive(state, { kind: "tick" }, 2);
    expect(statusOf(state).role).toBe("follower");
    drive(state, { kind: "disk-full", full: false }, 3);
    drive(state, { kind: "tick" }, 4);
    expect(statusOf(state).role).toBe("leader");
  });
});

describe("a node", () => {
  it("waits between one and two election timeouts, by chance", () => {
    const { electionTimeoutMs } = defaultRaftOptions;
    const deadlines = Array.from({ length: 50 }, (_, seed) => nextWakeMs(create(trio, seed)));
    for (const deadlineMs of deadlines) {
      expect(deadlineMs).toBeGreaterThanOrEqual(electionTimeoutMs);
      expect(deadlineMs).toBeLessThan(2 * electionTimeoutMs);
    }
    expect(new Set(deadlines).size).toBeGreaterThan(40);
  });

  it("that belongs to nobody yet never campaigns", () => {
    const state = create(nothingRecovered);
    for (let nowMs = 1_000; nowMs < 100_000; nowMs += 1_000) {
      expect(drive(state, { kind: "tick" }, nowMs).filter(({ kind }) => kind === "send")).toEqual(
        [],
      );
    }
    expect(statusOf(state)).toMatchObject({ role: "follower", term: 0 });
  });

  it("refuses time that goes back, and tokens that were never issued", () => {
    const state = create(trio);
    step(state, [{ kind: "tick" }], 500);
    expect(() => step(state, [{ kind: "tick" }], 400)).toThrow("time that does not go back");
    expect(() => step(state, [{ kind: "persisted", token: 7 }], 500)).toThrow("token");
  });

  it("bounds the reads that wait", () => {
    const state = create(trio);
    const heartbeat: RaftEvent = {
      kind: "message",
      message: {
        clusterId: "test",
        protocolVersion: 1,
        from: "b" as NodeId,
        to: id,
        term: asTerm(2),
        kind: "heartbeat",
        commitIndex: 0,
        round: 0,
        sentAtMs: 0,
      },
    };
    drive(state, heartbeat, 1);
    const reads = Array.from(
      { length: defaultRaftOptions.maxPendingReads + 5 },
      (_, i): RaftEvent => ({ kind: "read", id: i, mode: "linearizable" }),
    );
    const refused = step(state, reads, 2).filter((effect) => effect.kind === "refused");
    expect(refused.map(({ fault }) => fault.code)).toEqual(Array(5).fill("E_OVERLOADED"));
    expect(statusOf(state).pendingReads).toBe(defaultRaftOptions.maxPendingReads);
  });

  it.each([
    ["a gap between entries", { previous: { index: 1, term: asTerm(1) }, entries: [noOp(3, 2)] }],
    ["terms that go back", { previous: { index: 1, term: asTerm(2) }, entries: [noOp(2, 1)] }],
    [
      "entries of a term to come",
      { previous: { index: 1, term: asTerm(1) }, entries: [noOp(2, 9)] },
    ],
    ["an index that is none", { previous: { index: Number.NaN, term: asTerm(1) }, entries: [] }],
  ])("counts and refuses %s instead of tripping over it", (_, content) => {
    const state = create(trio);
    const header = { clusterId: "test", protocolVersion: 1, from: "b" as NodeId, to: id };
    const body = { kind: "append" as const, commitIndex: 0, ...content };
    const effects = drive(
      state,
      { kind: "message", message: { ...header, term: asTerm(2), ...body } },
      1,
    );
    expect(effects).toEqual([]);
    expect(statusOf(state)).toMatchObject({ term: 1, lastIndex: 1 });
    expect(statusOf(state).counters.foreignMessages).toBe(1);
  });

  it("says the same to the same", () => {
    const run = () =>
      [1, 700, 1_500, 3_000].flatMap((at) => drive(create(trio, 7), { kind: "tick" }, at));
    expect(run()).toEqual(run());
  });

  it.each([
    [
      "a snapshot the log does not hold",
      {
        snapshot: {
          index: 5,
          term: asTerm(1),
          membership: { voters: [], outgoing: null, learners: [] },
        },
      },
      "E_LOG_BEHIND_SNAPSHOT",
    ],
    ["a state machine ahead of the log", { appliedIndex: 9 }, "E_LOG_BEHIND_STATE"],
  ])("does not start with %s", (_, damage, code) => {
    const recovered = { ...trio, ...damage };
    const identity = { id, clusterId: "test" };
    const created = createRaft(
      { random: seededRandom(1), recovered },
      identity,
      defaultRaftOptions,
      0,
    );
    expect(created.ok ? null : created.fault.code).toBe(code);
  });
});
