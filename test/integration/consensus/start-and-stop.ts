/** A process that connects, talks and stops; it ends by itself only if nothing was left open. */

import {
  defaultMemberClientOptions,
  MemberClient,
} from "../../../src/consensus/io/member-client.ts";
import { eventually, nodeId, plaintext, startPeerNode } from "../../support/peer-node.ts";
import { realClock } from "../../support/real-clock.ts";

const a = await startPeerNode("a");
const b = await startPeerNode("b");
a.transport.setPeers([b.member, { id: nodeId("c"), address: "127.0.0.1:1" }]);
b.transport.setPeers([a.member]);
await eventually("both up", () => a.linkTo(b).state === "up" && b.linkTo(a).state === "up");
a.transport.send([a.say(b, { kind: "term-notice" })]);
await eventually("the message", () => b.received.length === 1);
const client = new MemberClient(
  { clock: realClock, security: plaintext },
  { id: nodeId("a"), clusterId: "cluster" },
  defaultMemberClientOptions,
);
const answer = await client.status(b.member.address, new AbortController().signal);
client.stop();
await Promise.all([a.stop(), b.stop()]);
console.log(`stopped, the call said ${answer.ok ? "yes" : answer.fault.code}`);
