/**
 * The frames of an exchange as bytes. Decoding is total: whatever bytes a peer sends, the answer is
 * a value. Knows which bytes of a frame may be kept and which must be copied.
 */

import { type Fault, failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import * as wire from "../../wire/meshmend/peer/v1/peer.ts";
import type { Message } from "../message.ts";
import { type Envelope, fromWire, toWire } from "./message-codec.ts";
import { unpinned } from "./unpinned.ts";

export type Request = NonNullable<wire.ExchangeRequest["content"]>;
export type Response = NonNullable<wire.ExchangeResponse["content"]>;

const malformed = (what: string) =>
  fault("E_PEER_MALFORMED", what, "update both nodes to one version");

export function encodeRequest(content: Request): Buffer {
  return asBuffer(wire.ExchangeRequest.encode({ content }).finish());
}

export function encodeResponse(content: Response): Buffer {
  return asBuffer(wire.ExchangeResponse.encode({ content }).finish());
}

export function encodeBatch(messages: readonly Message[]): Buffer {
  return encodeRequest({ $case: "batch", value: { messages: messages.map(toWire) } });
}

/** Fault: E_PEER_MALFORMED. */
export function decodeRequest(bytes: Uint8Array): Result<Request> {
  try {
    const { content } = wire.ExchangeRequest.decode(plain(bytes));
    return content === undefined ? failed(malformed("an empty frame")) : ok(content);
  } catch (thrown) {
    return failed(malformed(`no frame of this protocol: ${messageOf(thrown)}`));
  }
}

/** Fault: E_PEER_MALFORMED. */
export function decodeResponse(bytes: Uint8Array): Result<Response> {
  try {
    const { content } = wire.ExchangeResponse.decode(plain(bytes));
    return content === undefined ? failed(malformed("an empty frame")) : ok(content);
  } catch (thrown) {
    return failed(malformed(`no frame of this protocol: ${messageOf(thrown)}`));
  }
}

/** The messages of a batch, or E_PEER_MALFORMED when one of them is nothing Raft would send. */
export function messagesOf(batch: wire.Batch, envelope: Envelope): Result<Message[], Fault> {
  takeCommandsOver(batch);
  const messages: Message[] = [];
  for (const received of batch.messages) {
    const message = fromWire(received, envelope);
    if (message === null) {
      return failed(malformed(`a message that Raft never sends (${received.body?.$case})`));
    }
    messages.push(message);
  }
  return ok(messages);
}

/** Makes the commands fit to be kept in the log. */
function takeCommandsOver({ messages }: wire.Batch): void {
  const payloads: { value: Uint8Array }[] = [];
  for (const { body } of messages) {
    if (body?.$case !== "append") continue;
    for (const { payload } of body.value.entries) {
      if (payload?.$case === "command") payloads.push(payload);
    }
  }
  const commands = payloads.map(({ value }) => value);
  const owned = unpinned(commands);
  if (owned === commands) return;
  payloads.forEach((payload, place) => {
    payload.value = owned[place] ?? payload.value;
  });
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The core knows Uint8Array alone, and views of a Buffer would be Buffers. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
