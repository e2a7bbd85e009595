/** Every kind of message between peers, with values that a careless codec would lose. */

import fc from "fast-check";
import type { NodeId } from "../../src/base/index.ts";
import { asTerm, type Entry, type LogPosition, type Message } from "../../src/consensus/index.ts";
import type { Envelope } from "../../src/consensus/io/message-codec.ts";
import { type MessageBody, protocolVersion } from "../../src/consensus/message.ts";

export const envelope: Envelope = {
  clusterId: "cluster",
  from: "a" as NodeId,
  to: "b" as NodeId,
};

const largest = Number.MAX_SAFE_INTEGER - 8;
const count = fc.nat({ max: largest });
const name = fc.string({ minLength: 1, maxLength: 24, unit: "grapheme" });
const member = fc.record({ id: name as fc.Arbitrary<NodeId>, address: name });
const members = fc.array(member, { maxLength: 4 });
const membership = fc.record({
  voters: members,
  outgoing: fc.option(members),
  learners: fc.array(
    fc.record({ id: name as fc.Arbitrary<NodeId>, address: name, promote: fc.boolean() }),
    { maxLength: 3 },
  ),
});
const bytes = fc.uint8Array({ maxLength: 300 });
/** No clock shows minus zero, and toEqual would tell it from zero. */
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const request = fc.record({ incarnation: count, sequence: count });

/** Positions whose term the message's own term has reached. */
const positionBelow = (term: number): fc.Arbitrary<LogPosition> =>
  fc.record({ index: count, term: fc.nat({ max: term }).map(asTerm) });

const payload = fc.oneof(
  fc.record({ kind: fc.constant("command" as const), command: bytes }),
  fc.record({ kind: fc.constant("no-op" as const) }),
  fc.record({ kind: fc.constant("membership" as const), membership }),
);

function appendOf(term: number): fc.Arbitrary<MessageBody> {
  return fc
    .record({ previous: positionBelow(term), payloads: fc.array(payload), commitIndex: count })
    .map(({ previous, payloads, commitIndex }) => {
      const entries = payloads.map(
        (one, place): Entry => ({ index: previous.index + 1 + place, term: asTerm(term), ...one }),
      );
      return { kind: "append", previous, entries, commitIndex };
    });
}

const kind = <Kind extends MessageBody["kind"]>(name: Kind) => fc.constant(name);

function bodyOf(term: number): fc.Arbitrary<MessageBody> {
  const position = positionBelow(term);
  const granted = fc.boolean();
  const above = position.map(({ index, term: of }) => ({ index: index + 1, term: of }));
  return fc.oneof(
    appendOf(term),
    fc.record({ kind: kind("pre-vote-request"), last: position }),
    fc.record({ kind: kind("pre-vote-reply"), granted }),
    fc.record({ kind: kind("vote-request"), last: position, transfer: fc.boolean() }),
    fc.record({ kind: kind("vote-reply"), granted }),
    fc.record({ kind: kind("append-accepted"), matchIndex: count, commitIndex: count }),
    fc.record({
      kind: kind("append-rejected"),
      rejectedIndex: count,
      hint: position,
      repairing: fc.boolean(),
    }),
    fc.record({ kind: kind("heartbeat"), commitIndex: count, round: count, sentAtMs: finite }),
    fc.record({
      kind: kind("heartbeat-reply"),
      round: count,
      sentAtMs: finite,
      priority: fc.double({ min: 0, max: 100, noNaN: true }).map((value) => value + 0),
      votes: fc.boolean(),
    }),
    fc
      .record({ last: above, membership, offset: count, bytes, done: fc.constant(true) })
      .map(({ last, membership: members, ...rest }): MessageBody => {
        return { kind: "snapshot-chunk", snapshot: { ...last, membership: members }, ...rest };
      }),
    fc.record({ kind: kind("snapshot-progress"), index: count, nextOffset: count }),
    fc.record({ kind: kind("timeout-now") }),
    fc.record({
      kind: kind("read-request"),
      request,
      mode: fc.constantFrom("linearizable", "lease"),
    }),
    fc.record({ kind: kind("read-reply"), request, readIndex: count }),
    fc.record({ kind: kind("term-notice") }),
  );
}

export const anyMessage: fc.Arbitrary<Message> = count.chain((term) =>
  bodyOf(term).map((body) => ({ ...envelope, protocolVersion, term: asTerm(term), ...body })),
);
