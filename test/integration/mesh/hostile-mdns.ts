/**
 * A neighbour without manners: announces `count` peers under names of its own, and sends as many packets
 * that are no DNS. Arguments: interface, its IPv4 address, count.
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../../src/base/index.ts";

const [, , on = "", address = "", countText = "0"] = process.argv;
const count = Number(countText);
const random = seededRandom(7);

const nameOf = (labels: readonly string[]) =>
  Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

function announcement(nodeId: string): Buffer {
  const texts = ["txtvers=1", `id=${nodeId}`].map((text) =>
    Buffer.from([text.length, ...Buffer.from(text)]),
  );
  const data = Buffer.concat(texts);
  const header = Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(16, 0);
  fixed.writeUInt16BE(0x8001, 2);
  fixed.writeUInt32BE(4_000_000, 4);
  fixed.writeUInt16BE(data.length, 8);
  const name = nameOf([nodeId, "_meshmend", "_tcp", "local"]);
  return Buffer.concat([header, name, fixed, data]);
}

function garbage(): Buffer {
  const bytes = Buffer.from(
    Array.from({ length: 12 + (random.uint32() % 200) }, () => random.uint32() & 0xff),
  );
  // Half of it claims to be an answer with many records.
  if (random.uint32() % 2 === 0) bytes.set([0, 0, 0x84, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]);
  return bytes;
}

const socket = createSocket({ type: "udp4", reuseAddr: true });
socket.bind(5353, "0.0.0.0");
await once(socket, "listening");
socket.setMulticastInterface(address);
const send = (packet: Buffer) =>
  new Promise<void>((resolve) => socket.send(packet, 5353, "224.0.0.251", () => resolve()));
for (let i = 0; i < count; i++) {
  await send(announcement(`evil-${i}-${on}`));
  await send(garbage());
  // So that the other's socket buffer is not what protects it.
  if (i % 50 === 0) await delay(5);
}
socket.close();
