import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/base/index.ts";
import { defaultRaftOptions, type RaftEnd } from "../../../../src/consensus/index.ts";
import { put } from "../../../support/raft/ledger-machine.ts";
import { Group, member, type Running } from "./group.ts";

const three = ["a", "b", "c"];

const commandsOf = ({ machine }: Running) =>
  machine.history.map(({ index, command }) => `${index} ${command}`);

describe("a group of drivers", () => {
  it("applies every acknowledged proposal on all nodes, in the same order", async () => {
    const group = await new Group(three).startAll();
    await group.elected();
    const nodes = [...group.running.values()];
    const asked = Array.from({ length: 60 }, (_, i) => {
      const { node } = nodes[i % 3] ?? never();
      return node.propose(put(`key${i}`, `${i}`));
    });
    const answers = await group.answer(Promise.all(asked));
    expect(answers.every((answer) => answer.ok)).toBe(true);
    await group.until("all nodes have them", () =>
      nodes.every(({ machine }) => machine.values.size === 60),
    );
    const [first, ...others] = nodes.map(commandsOf);
    for (const other of others) expect(other).toEqual(first);
    for (const [i, answer] of answers.entries()) {
      if (!answer.ok) throw new Error("refused");
      expect(first).toContain(`${answer.value.index} key${i}=${i}`);
    }
  });

  it("keeps its promises while nodes are cut off and restarted at random", async () => {
    for (let seed = 1; seed <= 8; seed++) await hardLife(seed);
  }, 60_000);

  it("answers many commands as neighbours in the log, with one reply each", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    const commands = Array.from({ length: 10 }, (_, i) => put(`k${i}`, "v"));
    const answer = await group.answer(leader.node.proposeAll(commands));
    if (!answer.ok) throw new Error(answer.fault.message);
    const indexes = answer.value.map(({ index }) => index);
    expect(indexes).toEqual(indexes.map((_, i) => (indexes[0] ?? 0) + i));
  });

  it("gives a follower's client its own write: the follower has applied it", async () => {
    const group = await new Group(three).startAll();
    await group.elected();
    for (const { node, machine } of group.followers()) {
      const key = `written-at-${node.status()?.id}`;
      let seen: string | undefined;
      const answer = node.propose(put(key, "1")).then((result) => {
        seen = machine.values.get(key);
        return result;
      });
      expect((await group.answer(answer)).ok).toBe(true);
      expect(seen).toBe("1");
    }
  });

  it("lets a follower be read once it has what was committed before", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    expect((await group.answer(leader.node.propose(put("k", "new")))).ok).toBe(true);
    for (const { node, machine } of group.followers()) {
      for (const mode of ["linearizable", "lease"] as const) {
        let seen: string | undefined;
        const read = node.read(mode).then((result) => {
          seen = machine.values.get("k");
          return result;
        });
        expect((await group.answer(read)).ok).toBe(true);
        expect(seen).toBe("new");
      }
    }
  });
});

describe("a node in a minority", () => {
  it("says of a write it had taken as leader that the outcome is unknown, within 2 s", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    group.network.cut.add(leader.id);
    const answer = await group.answer(leader.node.propose(put("k", "v")), 2_000);
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
  });

  it("refuses what it takes later, surely undone, within 2 s", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    group.network.cut.add(leader.id);
    await group.until("it steps down", () => leader.node.status()?.role !== "leader");
    const write = await group.answer(leader.node.propose(put("k", "v")), 2_000);
    expect(write).toMatchObject({ ok: false, fault: { code: "E_NO_LEADER" } });
    const read = await group.answer(leader.node.read("linearizable"), 2_000);
    expect(read).toMatchObject({ ok: false, fault: { code: "E_NO_LEADER" } });
    group.network.cut.clear();
    await group.clock.advance(3_000);
    for (const { machine } of group.running.values()) expect(machine.values.has("k")).toBe(false);
  });

  it("answers a write that outlives its leader's partition with its reply", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    group.network.cut.add(leader.id);
    const asked = leader.node.propose(put("k", "v"));
    await group.clock.advance(300);
    group.network.cut.clear();
    expect(await group.answer(asked)).toMatchObject({ ok: true });
  });
});

describe("a write that a new leader replaced", () => {
  it("is proposed again, for it is certain that it was not done", async () => {
    const options = { requestTimeoutMs: 8_000 };
    const group = await new Group(three, options).startAll();
    const old = await group.elected();
    group.network.cut.add(old.id);
    const asked = old.node.propose(put("k", "old"));
    const next = await group.until("a new leader", () => group.leader);
    expect((await group.answer(next.node.propose(put("other", "1")))).ok).toBe(true);
    group.network.cut.clear();
    expect(await group.answer(asked)).toMatchObject({ ok: true });
    expect(next.machine.history.filter(({ command }) => command === "k=old")).toHaveLength(1);
  });
});

describe("a caller that goes away", () => {
  it("is told that nothing was done while its write had left to nobody", async () => {
    const group = await new Group(three).startAll();
    const gone = new AbortController();
    const asked = group.get("a").node.propose(put("k", "v"), gone.signal);
    await group.clock.advance(100);
    gone.abort();
    expect(await group.answer(asked)).toMatchObject({ ok: false, fault: { code: "E_CANCELLED" } });
  });
});

describe("too much at once", () => {
  it("is refused, counted in commands and in bytes", async () => {
    const group = new Group(three, { maxPendingCommands: 2, maxPendingBytes: 100 });
    await group.startAll();
    const { node } = group.get("a");
    const waiting = [node.propose(put("a", "1")), node.propose(put("b", "2"))];
    expect(await node.propose(put("c", "3"))).toMatchObject({ fault: { code: "E_OVERLOADED" } });
    const results = await group.answer(Promise.all(waiting));
    expect(results.every(({ ok }) => ok)).toBe(true);
    const large = await node.propose(new Uint8Array(101));
    expect(large).toMatchObject({ fault: { code: "E_OVERLOADED" } });
    expect((await group.answer(node.propose(put("d", "4")))).ok).toBe(true);
  });
});

describe("snapshots", () => {
  const raft = { ...defaultRaftOptions, snapshotEveryBytes: 4_000, retainedEntries: 10 };

  it("are taken in the background, and the log is let go of", async () => {
    const group = await new Group(three, { raft }).startAll();
    const leader = await group.elected();
    for (let i = 0; i < 100; i++) {
      await group.answer(leader.node.propose(put(`k${i % 7}`, "x".repeat(50))));
    }
    const status = await group.until("a snapshot", () => {
      const now = leader.node.status();
      return (now?.snapshotIndex ?? 0) > 0 ? now : null;
    });
    expect(leader.disk.base.index).toBeGreaterThan(0);
    expect(leader.disk.entries.length).toBeLessThan(100);
    expect(status?.logBytes).toBeLessThan(8_000);
  });

  it("keep a log of few but large entries small as well", async () => {
    const few = { ...raft, retainedEntries: 1_000 };
    const group = await new Group(["a"], { raft: few }).startAll();
    const { node, disk } = await group.elected();
    for (let i = 0; i < 60; i++) {
      await group.answer(node.propose(put(`k${i}`, "x".repeat(1_000))));
    }
    await group.until("the log is short", () => disk.base.index > 20);
    expect(disk.entries.length).toBeLessThan(40);
  });

  it("bring up a follower that was away, and then a restart comes back from one", async () => {
    const group = await new Group(three, { raft }).startAll();
    const leader = await group.elected();
    const [away] = group.followers();
    if (away === undefined) throw new Error("no follower");
    group.network.cut.add(away.id);
    for (let i = 0; i < 100; i++) {
      await group.answer(leader.node.propose(put(`k${i}`, "x".repeat(50))));
    }
    group.network.cut.clear();
    await group.until("it has caught up", () => away.machine.values.size === 100, 20_000);
    expect(away.machine.restored).toBeGreaterThan(0);
    await group.answer(away.node.stop());
    const again = await group.start(away.id);
    expect(again.machine.restored).toBe(1);
    await group.until("it is whole", () => again.machine.values.size === 100);
    expect(again.machine.values).toEqual(leader.machine.values);
  });
});

describe("membership", () => {
  it("takes a new node in, which becomes a voter by itself, and lets it go again", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    await group.answer(leader.node.propose(put("k", "v")));
    const added = await group.start("d", true);
    const [follower] = group.followers();
    const change = { kind: "add-learner", member: member("d"), promote: true } as const;
    const answer = await group.answer(follower?.node.changeMembership([change]) ?? never());
    expect(answer.ok).toBe(true);
    await group.until("it votes", () =>
      leader.node.status()?.membership.voters.some(({ id }) => id === "d"),
    );
    await group.until("it has the state", () => added.machine.values.get("k") === "v");
    const removal = [{ kind: "remove", id: added.id }] as const;
    expect((await group.answer(leader.node.changeMembership(removal))).ok).toBe(true);
    const end: RaftEnd = await group.answer(added.node.ended);
    expect(end).toEqual({ kind: "removed" });
  });

  it("lets its leader go when a follower is asked to, and answers that follower", async () => {
    const group = await new Group(["a", "b", "c", "d"]).startAll();
    const leader = await group.elected();
    const [follower] = group.followers();
    const removal = [{ kind: "remove", id: leader.id }] as const;
    const answer = await group.answer(follower?.node.changeMembership(removal) ?? never());
    expect(answer).toEqual({ ok: true, value: undefined });
    expect(await group.answer(leader.node.ended)).toEqual({ kind: "removed" });
  });

  it("refuses at once what can never work", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    const unknown = [{ kind: "remove", id: member("x").id }] as const;
    const answer = await group.answer(leader.node.changeMembership(unknown), 500);
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_NO_SUCH_MEMBER" } });
  });
});

describe("leadership", () => {
  it("goes where it is asked to, asked of any node", async () => {
    const group = await new Group(three).startAll();
    await group.elected();
    const [target, other] = group.followers();
    if (target === undefined || other === undefined) throw new Error("no followers");
    expect((await group.answer(other.node.transferLeadership(target.id))).ok).toBe(true);
    await group.until("it leads", () => group.leader === target, 300);
  });

  it("is handed over by a node that stops, before it is gone", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    const stopped = leader.node.stop();
    group.running.delete(leader.id);
    await group.until("another leads", () => group.leader, 300);
    await group.answer(stopped);
    expect(await leader.node.ended).toEqual({ kind: "stopped" });
    expect(await leader.node.propose(put("k", "v"))).toMatchObject({
      fault: { code: "E_NODE_STOPPING" },
    });
  });
});

describe("a state machine that is ahead of its log", () => {
  it("proves damage: the node does not vote until it has the entries again, and applies none twice", async () => {
    const group = await new Group(["a", "b", "c"]).startAll();
    const { node: leading } = await group.elected();
    for (let i = 0; i < 10; i++) await group.answer(leading.propose(put(`k${i}`, "1")));
    const follower = group.followers()[0];
    if (follower === undefined) throw new Error("no follower");
    const { id, machine, disk } = follower;
    await group.until("it has applied", () => machine.values.size === 10);
    await group.answer(follower.node.stop());
    // As if the last frame were torn; but what was in it was applied.
    disk.entries.length -= 4;
    const others = group.followers().filter((each) => each !== follower);
    for (const each of [...others, group.get(leading.status()?.id ?? "")])
      group.network.cut.add(each.id);
    const again = await group.start(id, false, machine);
    expect(disk.hardState.repair).toMatchObject({ lastIndex: machine.applied().index });
    await group.clock.advance(5_000);
    expect(again.node.status()).toMatchObject({ inRepair: true, role: "follower" });
    group.network.cut.clear();
    await group.until("it is whole", () => again.node.status()?.inRepair === false);
    const leader = await group.elected();
    await group.answer(leader.node.propose(put("k10", "1")));
    await group.until("it goes on", () => machine.values.size === 11);
    expect(machine.history).toEqual(leader.machine.history);
  });
});

describe("a disk", () => {
  it("that fails a write ends the node, and nothing is acknowledged", async () => {
    const group = await new Group(["a"]).startAll();
    const leader = await group.elected();
    leader.disk.broken = true;
    const answer = await group.answer(leader.node.propose(put("k", "v")));
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
    expect(await group.answer(leader.node.ended)).toMatchObject({
      kind: "failed",
      fault: { code: "E_LOG_FAILED" },
    });
  });

  it("that hangs keeps writes waiting, several at a time, and loses none", async () => {
    const group = await new Group(["a"]).startAll();
    const { node, disk } = await group.elected();
    disk.stuck = true;
    disk.writeMs = 5;
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < 5; i++) {
      asked.push(node.propose(put(`k${i}`, "v")));
      await group.clock.advance(10);
    }
    expect(node.status()?.diskQueue).toBe(5);
    disk.stuck = false;
    const answers = await group.answer(Promise.all(asked));
    expect(answers).toMatchObject(asked.map(() => ({ ok: true })));
  });

  it("that has no room for what waits does not keep a node from stopping", async () => {
    const group = await new Group(["a"]).startAll();
    const { node, disk } = await group.elected();
    disk.stuck = true;
    disk.writeMs = 5;
    const asked = node.propose(put("k", "v"));
    await group.clock.advance(20);
    await group.answer(node.stop());
    expect(await asked).toMatchObject({ fault: { code: "E_OUTCOME_UNKNOWN" } });
    expect(await node.ended).toEqual({ kind: "stopped" });
  });

  it("that is full makes its leader refuse writes, and yield where it can", async () => {
    const group = await new Group(three).startAll();
    const leader = await group.elected();
    leader.log.tellFull(true);
    await group.until("another leads", () => group.leader !== leader && group.leader, 5_000);
  });
});

function never(): never {
  throw new Error("no such node");
}

/** Three nodes that are cut off and restarted while clients of all three write. */
async function hardLife(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number) => random.uint32() % limit;
  const group = await new Group(three).startAll();
  const acknowledged: { readonly index: number; readonly command: string }[] = [];
  const outcomes: Promise<void>[] = [];
  for (let round = 0; round < 60; round++) {
    const nodes = [...group.running.values()];
    const at = nodes[below(nodes.length)];
    const command = `k${below(5)}=${seed}-${round}`;
    outcomes.push(
      (at?.node.propose(new TextEncoder().encode(command)) ?? never()).then((result) => {
        if (result.ok) acknowledged.push({ index: result.value.index, command });
      }),
    );
    const dice = below(12);
    if (dice === 0) group.network.cut.add(three[below(3)] ?? "a");
    else if (dice === 1) group.network.cut.clear();
    else if (dice === 2) {
      const id = three[below(3)] ?? "a";
      const stopping = group.get(id).node.stop();
      group.running.delete(id);
      await group.answer(stopping);
      await group.start(id);
    }
    await group.clock.advance(20 + below(120));
  }
  group.network.cut.clear();
  await group.answer(Promise.all(outcomes));
  await group.elected();
  const last = await group.answer(group.get("a").node.propose(put("end", `${seed}`)));
  expect(last.ok, `seed ${seed}`).toBe(true);
  await group.until("all agree", () =>
    [...group.running.values()].every(({ machine }) => machine.values.get("end") === `${seed}`),
  );
  expect(acknowledged.length, `seed ${seed}`).toBeGreaterThan(10);
  const histories = [...group.running.values()].map(commandsOf);
  for (const { index, command } of acknowledged) {
    for (const { machine } of group.running.values()) {
      const found = machine.history.filter((each) => each.command === command);
      expect(found, `seed ${seed}`).toEqual([{ index, command }]);
    }
  }
  expect(histories[1]).toEqual(histories[0]);
  expect(histories[2]).toEqual(histories[0]);
}
