/** Bad networks and bad neighbours: what they cost, and that they cost nobody else anything. */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { asTerm } from "../../../src/consensus/index.ts";
import { encodeBatch, encodeRequest } from "../../../src/consensus/io/exchange-frames.ts";
import { helloTo } from "../../../src/consensus/io/peer-handshake.ts";
import type { MessageBody } from "../../../src/consensus/message.ts";
import {
  eventually,
  nodeId,
  type PeerNode,
  type PeerNodeOptions,
  startPeerNode,
} from "../../support/peer-node.ts";
import { startTcpProxy, type TcpProxy, type TcpProxyOptions } from "../../support/tcp-proxy.ts";

const running: { stop(): Promise<void> }[] = [];
const hasty = { transport: { handshakeTimeoutMs: 300 }, listener: { handshakeTimeoutMs: 300 } };
const attentive = { keepaliveMs: 200, keepaliveTimeoutMs: 200 };

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

async function start(name: string, options: PeerNodeOptions = {}): Promise<PeerNode> {
  const node = await startPeerNode(name, options);
  running.push(node);
  return node;
}

/** A reaches B over a network of ours. */
async function startOverProxy(
  options: TcpProxyOptions = {},
  ofA: PeerNodeOptions = {},
): Promise<{ a: PeerNode; b: PeerNode; proxy: TcpProxy }> {
  const b = await start("b");
  const proxy = await startTcpProxy(b.port, options);
  running.push(proxy);
  const a = await start("a", ofA);
  a.transport.setPeers([{ ...b.member, address: `127.0.0.1:${proxy.port}` }]);
  await eventually("a is connected", () => a.linkTo(b).state === "up");
  return { a, b, proxy };
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  running.push({ stop: async () => void socket.destroy() });
  await once(socket, "connect");
  return socket;
}

function openSession(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  running.push({ stop: async () => session.destroy() });
  return session;
}

/** A stream as gRPC would open it, for bytes that gRPC would not send. */
function openStream(session: ClientHttp2Session) {
  const stream = session.request({
    ":method": "POST",
    ":path": "/meshmend.peer.v1.PeerService/Exchange",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => undefined);
  stream.resume();
  return stream;
}

function framed(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const stillServes = async (node: PeerNode): Promise<void> => {
  const friend = await start("friend");
  friend.transport.setPeers([node.member]);
  await eventually("a friend gets in", () => friend.linkTo(node).state === "up");
  friend.transport.send([friend.say(node, { kind: "term-notice" })]);
  await eventually("its message", () => node.received.some(({ from }) => from === "friend"));
};

const append = (bytes: number, index = 1): MessageBody => ({
  kind: "append",
  previous: { index: index - 1, term: asTerm(1) },
  commitIndex: 0,
  entries: [{ index, term: asTerm(1), kind: "command", command: new Uint8Array(bytes) }],
});

const chunk = (offset: number): MessageBody => ({
  kind: "snapshot-chunk",
  snapshot: {
    index: 1,
    term: asTerm(1),
    membership: { voters: [], outgoing: null, learners: [] },
  },
  offset,
  bytes: new Uint8Array(256 << 10),
  done: false,
});

describe("a stranger at the port", () => {
  it("who sends garbage is cut off", async () => {
    const a = await start("a");
    for (let round = 0; round < 20; round++) {
      const socket = await openSocket(a.port);
      socket.resume().write(randomBytes(4_096));
      if (!socket.destroyed) await once(socket, "close");
    }
    await stillServes(a);
    await eventually("only friends left", () => a.listener.status().connections <= 2);
  });

  it.each([
    ["says nothing", (_socket: Socket) => undefined],
    [
      "drips its first bytes",
      (socket: Socket) => {
        const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let sent = 0;
        const timer = setInterval(() => socket.write(preface.subarray(sent, ++sent)), 50);
        socket.on("close", () => clearInterval(timer));
      },
    ],
  ])("who %s is cut off in time", async (_what, act) => {
    const a = await start("a", hasty);
    const socket = await openSocket(a.port);
    act(socket);
    await once(socket.resume(), "close");
    await eventually("it is counted", () => a.listener.status().rejectedConnections === 1);
  });

  it("who opens a stream and says nothing is cut off in time", async () => {
    const a = await start("a", hasty);
    const session = openSession(a.port);
    openStream(session);
    await once(session, "close");
    expect(a.received).toEqual([]);
  });

  it("who pings but never shakes hands is cut off in time", async () => {
    const a = await start("a", hasty);
    const session = openSession(a.port);
    const timer = setInterval(() => session.destroyed || session.ping(() => undefined), 50);
    await once(session, "close");
    clearInterval(timer);
  });

  it("who announces a frame of a gigabyte is refused before memory is found for it", async () => {
    const a = await start("a");
    const session = openSession(a.port);
    const before = process.memoryUsage();
    const stream = openStream(session);
    const response = once(stream, "response");
    const head = Buffer.alloc(5);
    head.writeUInt32BE(2 ** 30, 1);
    stream.write(head);
    // RESOURCE_EXHAUSTED
    const [fields] = (await response) as [Record<string, unknown>];
    expect(fields["grpc-status"]).toBe("8");
    await eventually("the stream is gone", () => a.transport.status().openStreams === 0);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 << 20);
    await stillServes(a);
  });

  it.each([
    ["no Hello first", () => [encodeRequest({ $case: "ping", value: { sequence: 1 } })]],
    ["an empty frame", () => [Buffer.alloc(0)]],
    ["bytes that are no frame", () => [Buffer.from("ffffffffff", "hex")]],
    ["a message that Raft never sends", () => [helloFromB(), impossible()]],
    ["a second Hello", () => [helloFromB(), helloFromB()]],
  ])("who sends %s is refused with a reason", async (_what, frames) => {
    const a = await start("a");
    const stream = openStream(openSession(a.port));
    for (const frame of frames()) stream.write(framed(frame));
    await once(stream, "end");
    expect(a.transport.status().refusals).toEqual({ E_PEER_MALFORMED: 1 });
    expect(a.lines).toContain("warn: a stream on the peer port is refused E_PEER_MALFORMED");
    expect(a.received).toEqual([]);
  });

  it("finds no more connections than are allowed", async () => {
    const a = await start("a", { listener: { maxConnections: 4 } });
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openSocket(a.port)));
    await eventually("six are dropped", () => a.listener.status().rejectedConnections === 6);
    expect(a.listener.status().connections).toBe(4);
    for (const socket of sockets) socket.destroy();
    await eventually("there is room again", () => a.listener.status().connections === 0);
    await stillServes(a);
  });
});

const helloFromB = () =>
  encodeRequest({
    $case: "hello",
    value: helloTo(nodeId("a"), "bulk", { id: nodeId("b"), clusterId: "cluster" }),
  });

const impossible = () =>
  encodeBatch([
    {
      ...{ clusterId: "cluster", protocolVersion: 1, from: nodeId("b"), to: nodeId("a") },
      ...{ term: asTerm(1), kind: "append", previous: { index: 0, term: asTerm(0) } },
      commitIndex: 0,
      // An entry of a term its sender has not reached.
      entries: [{ index: 1, term: asTerm(9), kind: "no-op" }],
    },
  ]);

describe("a bad network", () => {
  it("that goes silent is found out by keepalive, and its end too", async () => {
    const { a, b, proxy } = await startOverProxy({}, { transport: attentive });
    proxy.freeze();
    await eventually("a notices", () => a.linkTo(b).state !== "up");
    expect(a.unreachable).toContain(nodeId("b"));
    proxy.thaw();
    await eventually("a is back", () => a.linkTo(b).state === "up");
  });

  it("leaves no stream behind on the side that was dialed", async () => {
    const b = await start("b", { listener: attentive });
    const proxy = await startTcpProxy(b.port);
    running.push(proxy);
    const a = await start("a");
    a.transport.setPeers([{ ...b.member, address: `127.0.0.1:${proxy.port}` }]);
    await eventually("a is connected", () => a.linkTo(b).state === "up");
    proxy.freeze();
    await eventually("b lets go", () => b.listener.status().connections === 0);
  });

  it("to one peer holds up no other, and what waits for it is bounded", async () => {
    const bulkQueue = { maxMessages: 1_000, maxBytes: 4 << 20 };
    const { a, b, proxy } = await startOverProxy({}, { transport: { bulkQueue } });
    const c = await start("c");
    a.transport.setPeers([a.linkTo(b).peer, c.member]);
    await eventually("c is connected", () => a.linkTo(c).state === "up");
    proxy.freeze();
    for (let index = 1; index <= 500; index++) {
      a.transport.send([a.say(b, append(256 << 10, index)), a.say(c, append(256, index))]);
      if (index % 10 === 0) await new Promise(setImmediate);
    }
    await eventually("c has everything", () => c.received.length === 500);
    const link = a.linkTo(b);
    expect(link.queuedBytes).toBeLessThanOrEqual(bulkQueue.maxBytes);
    expect(link.droppedMessages).toBeGreaterThan(400);
    expect(a.linkTo(c).droppedMessages).toBe(0);
    // What did not fit came last: the log that b gets has no gap before its end.
    proxy.thaw();
    const sent = 500 - link.droppedMessages;
    await eventually("b has the rest", () => b.received.length === sent);
    const indexes = b.received.map(
      (message) => message.kind === "append" && message.previous.index,
    );
    expect(indexes).toEqual(Array.from({ length: sent }, (_, place) => place));
  });

  it("on which a snapshot crawls still lets heartbeats through at once", async () => {
    const { a, b } = await startOverProxy({ bytesPerSecond: 512 << 10 });
    for (let part = 0; part < 6; part++) a.transport.send([a.say(b, chunk(part * (256 << 10)))]);
    await eventually("the first chunk", () => b.received.length > 0);
    const heartbeat = { kind: "heartbeat", commitIndex: 0, round: 1, sentAtMs: 0 } as const;
    a.transport.send([a.say(b, heartbeat)]);
    await eventually("the heartbeat", () => b.received.some(({ kind }) => kind === "heartbeat"));
    expect(b.received.length).toBeLessThan(6);
    await eventually("the snapshot", () => b.received.length === 7);
  });

  it("does not make a message that no peer accepts block those behind it", async () => {
    const { a, b } = await startOverProxy({}, { transport: { maxFrameBytes: 1 << 20 } });
    a.transport.send([a.say(b, append(2 << 20)), a.say(b, append(10))]);
    await eventually("the small one", () => b.received.length === 1);
    expect(a.linkTo(b).droppedMessages).toBe(1);
    expect(a.lines).toContainEqual(expect.stringContaining("larger than peers accept"));
  });
});

describe("after stop()", () => {
  it("nothing keeps the process alive", async () => {
    const script = join(import.meta.dirname, "start-and-stop.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 20_000 });
    expect(stdout).toBe("stopped, the call said E_PEER_MALFORMED\n");
  });

  it("a message is dropped, not thrown at the caller", async () => {
    const { a, b } = await startOverProxy();
    await a.stop();
    a.transport.send([a.say(b, append(1))]);
    expect(a.transport.status().unaddressed).toBe(1);
    await a.stop();
  });
});
