/**
 * Members as real processes on real disks, killed, stopped and removed while clients write. What was
 * acknowledged must be there afterwards, on every one of them.
 */

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/index.ts";
import {
  eventually,
  freePort,
  type MemberProcess,
  ProcessGroup,
  type ProcessGroupOptions,
} from "../../support/raft/process-group.ts";

const soak = process.env["MESHMEND_SOAK"] === "1";
const groups: ProcessGroup[] = [];
afterEach(async () => {
  await Promise.all(groups.splice(0).map((group) => group.end()));
});

async function found(count: number, options: ProcessGroupOptions = {}): Promise<ProcessGroup> {
  const group = await ProcessGroup.found(count, options);
  groups.push(group);
  return group;
}

const others = (group: ProcessGroup, one: MemberProcess) =>
  [...group.processes.values()].filter((each) => each !== one);

/** Writes through whoever runs, until told to end; keeps what was acknowledged. */
function clients(group: ProcessGroup, count: number) {
  const acknowledged = new Set<string>();
  let over = false;
  let unknown = 0;
  const client = async (number: number) => {
    for (let i = 0; !over; i++) {
      const running = [...group.processes.values()].filter((each) => each.running);
      const at = running[(i + number) % Math.max(1, running.length)];
      const key = `c${number}-${i}`;
      const answer = at === undefined ? null : await at.put(key, "1");
      if (answer?.ok === true) acknowledged.add(key);
      else if (answer === null || answer.fault?.code === "E_OUTCOME_UNKNOWN") unknown++;
      if (answer?.ok !== true) await delay(20);
    }
  };
  const done = Promise.all(Array.from({ length: count }, (_, number) => client(number)));
  return {
    acknowledged,
    get unknown() {
      return unknown;
    },
    async end() {
      over = true;
      await done;
    },
  };
}

/** All members have the same keys, among them every acknowledged one. */
async function agree(group: ProcessGroup, acknowledged: ReadonlySet<string>): Promise<void> {
  const leader = await group.leader();
  expect(await leader.put("last", "1")).toMatchObject({ ok: true });
  for (const each of group.processes.values()) {
    await eventually(`${each.member.id} has caught up`, async () => {
      const keys = await each.ask<string[]>({ kind: "keys" });
      return keys?.includes("last");
    });
    const keys = new Set(await each.ask<string[]>({ kind: "keys" }));
    const lost = [...acknowledged].filter((key) => !keys.has(key));
    expect(lost, each.member.id).toEqual([]);
  }
}

describe.each([3, 5])("%i members whose processes are killed and stopped", (count) => {
  it("lose no acknowledged write", async () => {
    const group = await found(count);
    await group.leader();
    const random = seededRandom(count);
    const writing = clients(group, 4);
    const endMs = performance.now() + (soak ? 60_000 : 6_000);
    while (performance.now() < endMs) {
      const ids = [...group.processes.keys()];
      const id = ids[random.uint32() % ids.length] ?? "n0";
      if (random.uint32() % 2 === 0) {
        await group.get(id).kill("SIGKILL");
        await delay(random.uint32() % 400);
        await group.start(id);
      } else {
        group.get(id).child.kill("SIGSTOP");
        await delay(random.uint32() % 1_500);
        group.get(id).child.kill("SIGCONT");
      }
      await delay(random.uint32() % 600);
    }
    await writing.end();
    expect(writing.acknowledged.size).toBeGreaterThan(20);
    await agree(group, writing.acknowledged);
  }, 180_000);
});

describe("a majority that is stopped", () => {
  it("leaves a leader that refuses or says it does not know, within two seconds", async () => {
    const group = await found(3);
    const leader = await group.leader();
    for (const other of others(group, leader)) other.child.kill("SIGSTOP");
    const startedMs = performance.now();
    const first = await leader.put("a", "1");
    // The process itself may wait for a core on a busy machine.
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect(first).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
    const laterMs = performance.now();
    expect(await leader.put("b", "1")).toMatchObject({ ok: false, fault: { code: "E_NO_LEADER" } });
    expect(performance.now() - laterMs).toBeLessThan(2_500);
    for (const other of others(group, leader)) other.child.kill("SIGCONT");
    const again = await group.leader();
    expect(await again.put("c", "1")).toMatchObject({ ok: true });
    const keys = await again.ask<string[]>({ kind: "keys" });
    expect(keys).not.toContain("b");
  });
});

describe("a leader that goes", () => {
  it("killed, is replaced, and writes go on at the others", async () => {
    const group = await found(3);
    const leader = await group.leader();
    await leader.put("before", "1");
    const [asked] = others(group, leader);
    await leader.kill("SIGKILL");
    const written = await eventually(
      "a write",
      async () => {
        const answer = await asked?.put("after", "1");
        return answer?.ok === true;
      },
      10_000,
    );
    expect(written).toBe(true);
    const keys = await asked?.ask<string[]>({ kind: "keys" });
    expect(keys).toEqual(expect.arrayContaining(["before", "after"]));
  });

  it("stopped gracefully, hands over first: no write at the others fails", async () => {
    const group = await found(3);
    const leader = await group.leader();
    const [asked] = others(group, leader);
    const stopped = leader.ask({ kind: "stop" });
    const answers: unknown[] = [];
    for (let i = 0; i < 10; i++) answers.push(await asked?.put(`k${i}`, "1"));
    await stopped;
    expect(answers).toMatchObject(answers.map(() => ({ ok: true })));
  });
});

describe("membership over processes", () => {
  it("takes a node in while it works, lets the old leader go, which ends its process's part", async () => {
    const group = await found(3);
    const leader = await group.leader();
    await leader.put("k", "1");
    const member = { id: "n3" as (typeof group.members)[number]["id"], address: "" };
    group.members.push({ ...member, address: `127.0.0.1:${await freePort()}` });
    const added = await group.start("n3", true);
    const adding = { kind: "add", member: added.member } as const;
    const [follower] = others(group, leader);
    expect(await follower?.ask(adding)).toMatchObject({ ok: true });
    await eventually("it votes", async () => {
      const status = await added.status();
      return status?.membership.voters.some(({ id }) => id === "n3");
    });
    const removal = { kind: "remove", id: leader.member.id } as const;
    expect(await follower?.ask(removal)).toEqual({ ok: true });
    expect(await leader.ended).toEqual({ kind: "removed" });
    group.processes.delete(leader.member.id);
    await leader.kill("SIGKILL");
    const next = await group.leader();
    expect(await next.put("after", "1")).toMatchObject({ ok: true });
  });

  it("hands leadership to the member that is named", async () => {
    const group = await found(3);
    const leader = await group.leader();
    const [target, asked] = others(group, leader);
    if (target === undefined || asked === undefined) throw new Error("no followers");
    const { id } = target.member;
    expect(await asked.ask({ kind: "transfer", target: id })).toMatchObject({ ok: true });
    await eventually("it leads", async () => (await target.status())?.role === "leader");
  });
});

describe("a follower that was down for many entries", () => {
  it("catches up by snapshot while the others go on", async () => {
    const raft = { snapshotEveryBytes: 1 << 20, retainedEntries: 500 };
    const group = await found(3, { raft });
    const leader = await group.leader();
    const [away] = others(group, leader);
    if (away === undefined) throw new Error("no follower");
    await away.kill("SIGKILL");
    const count = soak ? 100_000 : 10_000;
    expect(await leader.ask({ kind: "fill", count, bytes: 200 })).toMatchObject({ ok: true });
    const back = await group.start(away.member.id);
    const serving = leader.ask({ kind: "fill", count: 2_000, bytes: 200 });
    const status = await eventually("it has caught up", async () => {
      const seen = await back.status();
      return seen !== null && seen.appliedIndex >= count && seen;
    });
    expect(status.restored).toBeGreaterThan(0);
    expect(await serving).toMatchObject({ ok: true });
  }, 120_000);
});
