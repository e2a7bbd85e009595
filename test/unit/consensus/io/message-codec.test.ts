import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asTerm, type Message } from "../../../../src/consensus/index.ts";
import {
  decodeRequest,
  encodeBatch,
  messagesOf,
} from "../../../../src/consensus/io/exchange-frames.ts";
import { messageBytes } from "../../../../src/consensus/io/lane-queue.ts";
import type { MessageBody } from "../../../../src/consensus/message.ts";
import { isWellFormed } from "../../../../src/consensus/message-check.ts";
import type * as wire from "../../../../src/wire/meshmend/peer/v1/peer.ts";
import { anyMessage, envelope } from "../../../support/sample-messages.ts";

function overTheWire(messages: readonly Message[]): unknown {
  const frame = decodeRequest(encodeBatch(messages));
  if (!frame.ok || frame.value.$case !== "batch") return frame;
  const decoded = messagesOf(frame.value.value, envelope);
  return decoded.ok ? decoded.value : decoded.fault;
}

/** What a peer with other ideas could send in place of a message of ours. */
function received(message: wire.Message): unknown {
  const outcome = messagesOf({ messages: [message] }, envelope);
  return outcome.ok ? outcome.value : outcome.fault.code;
}

describe("messages on the wire", () => {
  it("come out as they went in, every kind of them", () => {
    const seen = new Set<MessageBody["kind"]>();
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 8 }), (messages) => {
        for (const { kind } of messages) seen.add(kind);
        expect(messages.every(isWellFormed)).toBe(true);
        expect(overTheWire(messages)).toEqual(messages);
      }),
      { numRuns: 500 },
    );
    expect(seen.size).toBe(15);
  });

  it("weigh no more than the queue counts for them, but for names of unusual length", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const names = JSON.stringify(message).length;
        expect(encodeBatch([message]).length).toBeLessThan(messageBytes(message) + names);
      }),
    );
    const command = new Uint8Array(256);
    const entry = { index: 2 ** 40, term: asTerm(2 ** 40), kind: "command", command } as const;
    const append: Message = {
      ...{ ...envelope, protocolVersion: 1, term: asTerm(2 ** 40), kind: "append" },
      ...{ previous: { index: 2 ** 40 - 1, term: asTerm(1) }, commitIndex: 2 ** 40 },
      entries: Array.from({ length: 1_000 }, (_, place) => ({ ...entry, index: 2 ** 40 + place })),
    };
    expect(encodeBatch([append]).length).toBeLessThan(messageBytes(append));
  });

  it.each<[string, wire.Message["body"]]>([
    ["nothing", undefined],
    [
      "an entry without a payload",
      {
        $case: "append",
        value: { previous: undefined, commitIndex: 0, entries: [{ term: 1, payload: undefined }] },
      },
    ],
    [
      "an entry of a later term than its leader's",
      {
        $case: "append",
        value: {
          previous: undefined,
          commitIndex: 0,
          entries: [{ term: 2, payload: { $case: "noOp", value: {} } }],
        },
      },
    ],
    [
      "a time that is no number",
      { $case: "heartbeat", value: { commitIndex: 0, round: 0, sentAtMs: Number.NaN } },
    ],
    [
      "a priority beyond all",
      {
        $case: "heartbeatReply",
        value: { round: 0, sentAtMs: 0, priority: 101, votes: true },
      },
    ],
    ["a read that asks nothing", { $case: "readRequest", value: { request: undefined, mode: 1 } }],
    [
      "a read of an unknown kind",
      {
        $case: "readRequest",
        value: { request: { incarnation: 1, sequence: 1 }, mode: 9 as wire.ReadMode },
      },
    ],
    [
      "a snapshot of nothing",
      {
        $case: "snapshotChunk",
        value: {
          last: undefined,
          membership: { voters: [], outgoing: undefined, learners: [] },
          offset: 0,
          bytes: new Uint8Array(1),
          done: false,
        },
      },
    ],
    [
      "a member without a name",
      {
        $case: "append",
        value: {
          previous: undefined,
          commitIndex: 0,
          entries: [
            {
              term: 1,
              payload: {
                $case: "membership",
                value: {
                  voters: [{ id: "", address: "x" }],
                  outgoing: undefined,
                  learners: [],
                },
              },
            },
          ],
        },
      },
    ],
  ])("that say %s are refused", (_what, body) => {
    expect(received({ term: 1, body })).toBe("E_PEER_MALFORMED");
  });
});
