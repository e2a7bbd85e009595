/** Three whole members in this process: real disks, real sockets, the driver between them. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type NodeId, silentLogger } from "../../../src/base/index.ts";
import { defaultRaftOptions, type Member, type RaftOptions } from "../../../src/consensus/index.ts";
import { type OpenedMember, openMember } from "../../../src/node/consensus/open-member.ts";
import { systemRandom } from "../../../src/node/system-random.ts";
import { LedgerMachine, type LedgerReply, put } from "../../support/raft/ledger-machine.ts";
import { eventually, freePort } from "../../support/raft/process-group.ts";
import { realClock } from "../../support/real-clock.ts";

interface Running {
  readonly member: Member;
  readonly opened: OpenedMember<LedgerReply>;
  readonly machine: LedgerMachine;
}

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

class Members {
  readonly folder = mkdtempSync(join(tmpdir(), "meshmend-members-"));
  readonly running = new Map<string, Running>();
  readonly #raft: RaftOptions;
  #founders: readonly Member[] = [];

  constructor(raft: Partial<RaftOptions> = {}) {
    this.#raft = { ...defaultRaftOptions, ...raft };
    cleanUps.push(async () => {
      await Promise.all([...this.running.values()].map(({ opened }) => opened.stop()));
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  static async found(count: number, raft: Partial<RaftOptions> = {}): Promise<Members> {
    const members = new Members(raft);
    const founders: Member[] = [];
    for (let i = 0; i < count; i++) {
      founders.push({ id: `n${i}` as NodeId, address: `127.0.0.1:${await freePort()}` });
    }
    members.#founders = founders;
    await Promise.all(founders.map((founder) => members.start(founder, true)));
    return members;
  }

  async start(member: Member, first = false): Promise<Running> {
    const machine = new LedgerMachine();
    const port = Number(member.address.split(":")[1]);
    const opened = await openMember(
      { clock: realClock, random: systemRandom, logger: silentLogger, stateMachine: machine },
      {
        folder: join(this.folder, member.id),
        id: member.id,
        clusterId: "members",
        mayCreate: first,
        founders: first && this.#founders.includes(member) ? this.#founders : null,
        address: member.address,
        listen: { host: "127.0.0.1", port },
        security: { credentials: null, insecure: false },
        raft: this.#raft,
        segmentBytes: 1 << 20,
      },
    );
    if (!opened.ok) throw new Error(opened.fault.message);
    const running = { member, opened: opened.value, machine };
    this.running.set(member.id, running);
    return running;
  }

  async stop({ member, opened }: Running): Promise<void> {
    this.running.delete(member.id);
    await opened.stop();
  }

  get all(): readonly Running[] {
    return [...this.running.values()];
  }

  leader(): Promise<Running> {
    return eventually("a leader", () =>
      this.all.find(({ opened }) => opened.node.status()?.role === "leader"),
    );
  }
}

const others = (members: Members, one: Running) => members.all.filter((each) => each !== one);

describe("three members over gRPC and real disks", () => {
  it("elect, agree, and answer whichever of them is asked", async () => {
    const members = await Members.found(3);
    await members.leader();
    const asked = members.all.flatMap(({ opened }, at) =>
      Array.from({ length: 100 }, (_, i) => opened.node.propose(put(`k${at}-${i}`, "v"))),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => !answer.ok)).toEqual([]);
    for (const { machine } of members.all) {
      await eventually("all applied", () => machine.values.size === 300);
      expect(machine.history).toEqual(members.all[0]?.machine.history);
    }
  });

  it("keep what they acknowledged over a restart of all of them", async () => {
    const members = await Members.found(3);
    const leader = await members.leader();
    for (let i = 0; i < 20; i++) {
      expect((await leader.opened.node.propose(put(`k${i}`, `${i}`))).ok).toBe(true);
    }
    const before = members.all.map(({ member }) => member);
    await Promise.all(members.all.map((each) => members.stop(each)));
    await Promise.all(before.map((member) => members.start(member)));
    const again = await members.leader();
    expect((await again.opened.node.read("linearizable")).ok).toBe(true);
    expect(again.machine.values.get("k19")).toBe("19");
    expect(again.machine.values.size).toBe(20);
  });

  it("hand over within moments when the leader stops", async () => {
    const members = await Members.found(3);
    const leader = await members.leader();
    await leader.opened.node.propose(put("k", "v"));
    const [asked] = others(members, leader);
    const stopped = members.stop(leader);
    const answer = await asked?.opened.node.propose(put("after", "1"));
    expect(answer).toMatchObject({ ok: true });
    await stopped;
  });

  it("bring a node up by snapshot that was away for many entries", async () => {
    const raft = { snapshotEveryBytes: 64 << 10, retainedEntries: 50 };
    const members = await Members.found(3, raft);
    const leader = await members.leader();
    const [away] = others(members, leader);
    if (away === undefined) throw new Error("no follower");
    await members.stop(away);
    for (let round = 0; round < 20; round++) {
      const commands = Array.from({ length: 200 }, (_, i) => put(`k${i}`, `${round}`.repeat(20)));
      expect((await leader.opened.node.proposeAll(commands)).ok).toBe(true);
    }
    await eventually("a snapshot", () => (leader.opened.node.status()?.snapshotIndex ?? 0) > 1_000);
    const back = await members.start(away.member);
    await eventually("it has caught up", () => back.machine.values.get("k199") === "19".repeat(20));
    expect(back.machine.restored).toBeGreaterThan(0);
    expect(back.machine.values).toEqual(leader.machine.values);
  });
});
