/** The peer transport as it ships, at both ends of a measurement. */

import { type NodeId, seededRandom, silentLogger } from "../../src/base/index.ts";
import { asTerm, type Entry, type Member, type Message } from "../../src/consensus/index.ts";
import { GrpcPeerTransport } from "../../src/consensus/io/grpc-peer-transport.ts";
import type { PeerSecurity } from "../../src/consensus/io/peer-credentials.ts";
import { defaultPeerListenerOptions, PeerListener } from "../../src/consensus/io/peer-listener.ts";
import { defaultPeerTransportOptions } from "../../src/consensus/io/peer-transport-options.ts";
import { type MessageBody, protocolVersion } from "../../src/consensus/message.ts";
import { systemClock } from "../../src/node/index.ts";
import type { Ends } from "./raw-frames.ts";

const clusterId = "bench";
const term = asTerm(1);
const [leader, follower] = ["leader" as NodeId, "follower" as NodeId];
const at = (id: NodeId, port: number): Member => ({ id, address: `127.0.0.1:${port}` });

export async function openTransportEnds(
  role: "leader" | "follower",
  security: PeerSecurity,
): Promise<Ends> {
  const [self, other] = role === "leader" ? [leader, follower] : [follower, leader];
  const parts = { clock: systemClock, logger: silentLogger, security };
  const where = { ...defaultPeerListenerOptions, host: "127.0.0.1", port: 0 };
  const listener = new PeerListener(parts, where);
  const transport = new GrpcPeerTransport(
    { ...parts, random: seededRandom(1), listener },
    { id: self, clusterId },
    defaultPeerTransportOptions,
  );
  const started = await listener.start();
  if (!started.ok) throw new Error(started.fault.message);
  const send = (body: MessageBody) =>
    transport.send([{ clusterId, protocolVersion, from: self, to: other, term, ...body }]);
  let onMessage: (message: Message) => void = () => undefined;
  await transport.start({ onMessage: (message) => onMessage(message), onUnreachable() {} });
  return {
    port: started.value.port,
    answer(leaderPort) {
      transport.setPeers([at(leader, leaderPort)]);
      onMessage = (message) => {
        if (message.kind !== "append") return;
        const matchIndex = message.previous.index + message.entries.length;
        send({ kind: "append-accepted", matchIndex, commitIndex: 0 });
      };
    },
    async connect(followerPort, onAcknowledged) {
      transport.setPeers([at(follower, followerPort)]);
      while (transport.status().peers[0]?.state !== "up") await systemClock.sleep(10);
      let matchIndex = 0;
      let lastIndex = 0;
      onMessage = (message) => {
        if (message.kind !== "append-accepted") return;
        onAcknowledged(message.matchIndex - matchIndex);
        ({ matchIndex } = message);
      };
      return {
        append(commands) {
          const previous = { index: lastIndex, term };
          const entries = commands.map((command): Entry => {
            return { index: ++lastIndex, term, kind: "command", command };
          });
          send({ kind: "append", previous, entries, commitIndex: 0 });
        },
      };
    },
    async close() {
      await transport.stop();
      await listener.stop();
    },
  };
}
