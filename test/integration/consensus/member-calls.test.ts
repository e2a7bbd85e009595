/** The members' calls between a real client and a real server on loopback. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failed, fault, ok, silentLogger } from "../../../src/base/index.ts";
import { asTerm, type Member, type MemberChange } from "../../../src/consensus/index.ts";
import type { Joiner, MemberHandlers } from "../../../src/consensus/io/member-calls.ts";
import {
  defaultMemberClientOptions,
  MemberClient,
} from "../../../src/consensus/io/member-client.ts";
import { MemberServer } from "../../../src/consensus/io/member-server.ts";
import {
  defaultPeerListenerOptions,
  PeerListener,
} from "../../../src/consensus/io/peer-listener.ts";
import { nodeId, plaintext } from "../../support/peer-node.ts";
import { realClock } from "../../support/real-clock.ts";

const never = new AbortController().signal;
const membership = {
  voters: [{ id: nodeId("leader"), address: "127.0.0.1:1" }],
  outgoing: [{ id: nodeId("old"), address: "127.0.0.1:2" }],
  learners: [{ id: nodeId("new"), address: "127.0.0.1:3", promote: true }],
};
const status = {
  protocolVersion: 1,
  clusterId: "cluster",
  nodeId: nodeId("leader"),
  role: "leader",
  term: asTerm(7),
  leaderId: nodeId("leader"),
  membership,
  commitIndex: 5,
  appliedIndex: 4,
  lastIndex: Number.MAX_SAFE_INTEGER,
} as const;
const notLeader = {
  ...fault("E_NOT_LEADER", "somebody else leads", "ask it"),
  leader: { id: nodeId("other"), address: "127.0.0.1:9" },
};

let calls: { changes: readonly MemberChange[]; joiner: Joiner | null; proposals: number };
let handlers: MemberHandlers;
let listener: PeerListener;
let client: MemberClient;
let leader: Member;

const clients: MemberClient[] = [];

function clientOf(clusterId: string, options = {}): MemberClient {
  const made = new MemberClient(
    { clock: realClock, security: plaintext },
    { id: nodeId("follower"), clusterId },
    { ...defaultMemberClientOptions, ...options },
  );
  clients.push(made);
  return made;
}

beforeEach(async () => {
  calls = { changes: [], joiner: null, proposals: 0 };
  handlers = {
    propose: async (commands) => {
      const firstIndex = ++calls.proposals;
      if (commands[0]?.length === 0) return failed(notLeader);
      return ok({ term: asTerm(7), firstIndex, results: commands.map((one) => one.slice(0, 1)) });
    },
    changeMembership: async (changes) => {
      calls.changes = changes;
      return changes.length === 0 ? failed(notLeader) : ok(membership);
    },
    transferLeadership: async (target) => ok(target ?? nodeId("best")),
    join: async (joiner) => {
      calls.joiner = joiner;
      return ok({ clusterId: "cluster", membership });
    },
    ask: async (question) => (question.length === 0 ? failed(notLeader) : ok(question.slice(1))),
    status: () => status,
  };
  listener = new PeerListener(
    { clock: realClock, logger: silentLogger, security: plaintext },
    { ...defaultPeerListenerOptions, host: "127.0.0.1", port: 0, handshakeTimeoutMs: 1_000 },
  );
  const proxy: MemberHandlers = {
    propose: (...args) => handlers.propose(...args),
    changeMembership: (...args) => handlers.changeMembership(...args),
    transferLeadership: (...args) => handlers.transferLeadership(...args),
    join: (...args) => handlers.join(...args),
    ask: (...args) => handlers.ask(...args),
    status: () => handlers.status(),
  };
  new MemberServer(
    { logger: silentLogger, listener, handlers: proxy },
    { id: nodeId("leader"), clusterId: "cluster" },
  );
  const started = await listener.start();
  if (!started.ok) throw new Error(started.fault.message);
  leader = { id: nodeId("leader"), address: `127.0.0.1:${started.value.port}` };
  client = clientOf("cluster");
});

afterEach(async () => {
  for (const made of clients.splice(0)) made.stop();
  await listener.stop();
});

describe("a forwarded proposal", () => {
  it("comes back with what the state machine answered", async () => {
    const commands = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    expect(await client.propose(leader, commands, never)).toEqual(
      ok({ term: 7, firstIndex: 1, results: [Uint8Array.of(1), Uint8Array.of(3)] }),
    );
  });

  it("shares calls with those beside it, and each gets its own answer", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 5_000 }, (_, place) =>
        client.propose(leader, [place % 7 === 0 ? new Uint8Array() : Uint8Array.of(place)], never),
      ),
    );
    outcomes.forEach((outcome, place) => {
      expect(outcome).toEqual(
        place % 7 === 0
          ? failed(notLeader)
          : ok({ term: 7, firstIndex: place + 1, results: [Uint8Array.of(place)] }),
      );
    });
  });

  it("is refused when too much waits already", async () => {
    const small = clientOf("cluster", { maxProposals: 2 });
    const answers = await Promise.all(
      [1, 2, 3].map((byte) => small.propose(leader, [Uint8Array.of(byte)], never)),
    );
    expect(answers.map((answer) => answer.ok)).toEqual([true, true, false]);
    expect(answers[2]).toMatchObject({ fault: { code: "E_OVERLOADED" } });
    expect(calls.proposals).toBe(2);
  });

  it("has an unknown outcome when the leader dies with it", async () => {
    const asked = Promise.withResolvers<void>();
    handlers.propose = () => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const outcome = client.propose(leader, [Uint8Array.of(1)], never);
    await asked.promise;
    await listener.stop();
    expect(await outcome).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
  });

  it("was surely not done when the leader is gone already, whom this node knew or not", async () => {
    expect((await client.propose(leader, [Uint8Array.of(1)], never)).ok).toBe(true);
    await listener.stop();
    const unreachable = { ok: false, fault: { code: "E_PEER_UNREACHABLE" } };
    for (const asking of [client, clientOf("cluster")]) {
      // The one that was connected may still have to learn of it.
      await asking.status(leader.address, never);
      const outcome = await asking.propose(leader, [Uint8Array.of(2)], never);
      expect(outcome).toMatchObject(unreachable);
    }
    expect(calls.proposals).toBe(1);
  });

  it("was surely not done when it is refused at the door", async () => {
    const outcome = await clientOf("another").propose(leader, [Uint8Array.of(1)], never);
    expect(outcome).toMatchObject({ ok: false, fault: { code: "E_PEER_WRONG_CLUSTER" } });
    expect(calls.proposals).toBe(0);
  });

  it("has an unknown outcome when nobody waits any more", async () => {
    handlers.propose = () => new Promise(() => undefined);
    const outcome = await client.propose(leader, [Uint8Array.of(1)], AbortSignal.timeout(50));
    expect(outcome).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
  });
});

describe("the calls that change a group", () => {
  it("carry every kind of change", async () => {
    const changes: MemberChange[] = [
      { kind: "add-learner", member: { id: nodeId("n"), address: "h:1" }, promote: true },
      { kind: "promote", id: nodeId("p") },
      { kind: "demote", id: nodeId("d") },
      { kind: "remove", id: nodeId("r") },
    ];
    expect(await client.changeMembership(leader, changes, never)).toEqual(ok(membership));
    expect(calls.changes).toEqual(changes);
  });

  it("name the leader when somebody else is asked", async () => {
    expect(await client.changeMembership(leader, [], never)).toEqual(failed(notLeader));
  });

  it("hand over to whom was named, or to the best", async () => {
    expect(await client.transferLeadership(leader, nodeId("b"), never)).toEqual(ok("b"));
    expect(await client.transferLeadership(leader, null, never)).toEqual(ok("best"));
  });

  it("let a node in that knows nothing but an address", async () => {
    const member = { id: nodeId("new"), address: "127.0.0.1:3" };
    const joiner = { clusterId: null, member, promote: true };
    const joined = await client.join(leader.address, joiner, never);
    expect(joined).toEqual(ok({ clusterId: "cluster", membership }));
    expect(calls.joiner).toEqual(joiner);
  });

  it("tell a node's status to whoever may connect", async () => {
    expect(await clientOf("another").status(leader.address, never)).toEqual(ok(status));
  });
});

describe("a caller that is wrong here", () => {
  const change: MemberChange[] = [{ kind: "remove", id: nodeId("r") }];

  it("is told the cluster is another", async () => {
    const answer = await clientOf("another").changeMembership(leader, change, never);
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_PEER_WRONG_CLUSTER" } });
    expect(calls.changes).toEqual([]);
  });

  it("is told the node is another", async () => {
    const wrong = { ...leader, id: nodeId("elsewhere") };
    const answer = await client.changeMembership(wrong, change, never);
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_PEER_WRONG_NODE" } });
  });

  it("gets an answer in time even if there is none, and is not told that nothing was done", async () => {
    handlers.changeMembership = () => new Promise(() => undefined);
    const hasty = clientOf("cluster", { timeoutMs: 100 });
    const answer = await hasty.changeMembership(leader, change, never);
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
  });

  it("hears of a bug in the node asked, which lives on", async () => {
    handlers.changeMembership = () => Promise.reject(new Error("a bug"));
    const answer = await client.changeMembership(leader, change, never);
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
    expect(!answer.ok && answer.fault.message).toContain("E_PEER_FAILED");
    expect((await client.status(leader.address, never)).ok).toBe(true);
  });
});
