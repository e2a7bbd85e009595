/** Real transports on loopback: what arrives, what comes back after a restart, who is refused. */

import { afterEach, describe, expect, it } from "vitest";
import { asTerm } from "../../../src/consensus/index.ts";
import type { MessageBody } from "../../../src/consensus/message.ts";
import {
  eventually,
  nodeId,
  type PeerNode,
  type PeerNodeOptions,
  startPeerNode,
} from "../../support/peer-node.ts";

const running: PeerNode[] = [];

async function start(name: string, options?: PeerNodeOptions): Promise<PeerNode> {
  const node = await startPeerNode(name, options);
  running.push(node);
  return node;
}

/** All know each other, and every connection is up. */
async function startGroup(...names: readonly string[]): Promise<PeerNode[]> {
  const nodes = await Promise.all(names.map((name) => start(name)));
  for (const node of nodes) node.transport.setPeers(nodes.map(({ member }) => member));
  await eventually("a full mesh", () =>
    nodes.every((node) => node.transport.status().peers.every(({ state }) => state === "up")),
  );
  return nodes;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
});

const heartbeat = (round: number): MessageBody => ({
  kind: "heartbeat",
  commitIndex: round,
  round,
  sentAtMs: round + 0.5,
});

const append = (index: number, command: Uint8Array): MessageBody => ({
  kind: "append",
  previous: { index: index - 1, term: asTerm(1) },
  commitIndex: 0,
  entries: [{ index, term: asTerm(1), kind: "command", command }],
});

const rounds = (node: PeerNode, from: PeerNode): number[] =>
  node.received.flatMap((message) =>
    message.kind === "heartbeat" && message.from === from.member.id ? [message.round] : [],
  );

describe("peers that trust each other", () => {
  it("get every message, unaltered, from each of the others", async () => {
    const nodes = await startGroup("a", "b", "c");
    const count = 500;
    for (let round = 1; round <= count; round++) {
      for (const node of nodes) {
        const others = nodes.filter((other) => other !== node);
        node.transport.send(others.map((other) => node.say(other, heartbeat(round))));
      }
      if (round % 50 === 0) await new Promise(setImmediate);
    }
    const expected = Array.from({ length: count }, (_, index) => index + 1);
    for (const node of nodes) {
      for (const other of nodes.filter((candidate) => candidate !== node)) {
        await eventually("all rounds", () => rounds(node, other).length === count);
        expect(rounds(node, other)).toEqual(expected);
        expect(node.linkTo(other).droppedMessages).toBe(0);
      }
    }
    expect(nodes[0]?.received[0]).toEqual(nodes[0] && nodes[1]?.say(nodes[0], heartbeat(1)));
  });

  it("share one frame among all that waits", async () => {
    const [a, b] = (await startGroup("a", "b")) as [PeerNode, PeerNode];
    const before = a.linkTo(b);
    const command = new Uint8Array(256);
    const messages = Array.from({ length: 200 }, (_, place) =>
      a.say(b, append(place + 1, command)),
    );
    for (const message of messages) a.transport.send([message]);
    await eventually("all appends", () => b.received.length === 200);
    const after = a.linkTo(b);
    expect(after.sentMessages - before.sentMessages).toBe(200);
    expect(after.sentFrames - before.sentFrames).toBeLessThan(50);
    expect(b.received).toEqual(messages);
  });

  it("connect again by themselves when one restarts at its address", async () => {
    const [a, b] = (await startGroup("a", "b")) as [PeerNode, PeerNode];
    await b.stop();
    await eventually("a notices", () => a.linkTo(b).state === "down");
    expect(a.unreachable).toContain(nodeId("b"));
    const reborn = await start("b", { port: b.port });
    await eventually("a is back", () => a.linkTo(b).state === "up");
    a.transport.send([a.say(reborn, heartbeat(7))]);
    await eventually("the message", () => rounds(reborn, a).includes(7));
  });

  it("follow a peer to a new address", async () => {
    const [a, b] = (await startGroup("a", "b")) as [PeerNode, PeerNode];
    await b.stop();
    const moved = await start("b");
    a.transport.setPeers([moved.member]);
    await eventually("a found it", () => a.linkTo(moved).state === "up");
  });

  it("measure how long the way is", async () => {
    const [a, b] = (await startGroup("a", "b")) as [PeerNode, PeerNode];
    await eventually("a pong", () => a.linkTo(b).roundTripMs !== null);
    expect(a.linkTo(b).roundTripMs).toBeGreaterThan(0);
  });
});

describe("strangers", () => {
  it.each([
    ["of another cluster", "b", { clusterId: "other" }, "E_PEER_WRONG_CLUSTER"],
    ["of another version", "b", { protocolVersion: 2 }, "E_PEER_WRONG_VERSION"],
    ["at the address of another", "c", {}, "E_PEER_WRONG_NODE"],
  ] as const)("%s are refused by name on both sides", async (_what, name, options, code) => {
    const a = await start("a");
    const stranger = await start(name, options);
    const expected = { id: nodeId("b"), address: stranger.member.address };
    a.transport.setPeers([expected]);
    const link = () => a.linkTo({ member: expected });
    await eventually("the refusal", () => link().state === "refused");
    expect(link().fault?.code).toBe(code);
    expect(a.lines).toContain(`error: a connection between peers is refused ${code}`);
    expect(stranger.lines).toContain(`warn: a stream on the peer port is refused ${code}`);
    expect(stranger.transport.status().refusals[code]).toBeGreaterThan(0);
    a.transport.send([a.say({ member: expected }, heartbeat(1))]);
    expect(link().droppedMessages).toBe(1);
    expect(stranger.received).toEqual([]);
  });
});
