/**
 * Raft's messages as protobuf and back. Knows which fields the handshake has already settled (from,
 * to, cluster) and so stay off the wire, and that the index of an entry follows from its place.
 */

import * as wire from "../../wire/meshmend/peer/v1/peer.ts";
import { asTerm, type Entry, type LogPosition } from "../log-entry.ts";
import type { Member, Membership } from "../membership.ts";
import {
  type Message,
  type MessageBody,
  type MessageHeader,
  protocolVersion,
  type ReadMode,
} from "../message.ts";
import { isWellFormed } from "../message-check.ts";

/** What the handshake settled: what every message of a stream has in common. */
export type Envelope = Pick<MessageHeader, "clusterId" | "from" | "to">;

/** A peer's identifier or address longer than this is garbage. */
const maxNameLength = 512;

/** A peer may send any number for a mode. */
const readModes: ReadonlyMap<number, ReadMode> = new Map([
  [wire.ReadMode.LINEARIZABLE, "linearizable"],
  [wire.ReadMode.LEASE, "lease"],
]);

export function toWire(message: Message): wire.Message {
  return { term: message.term, body: bodyToWire(message) };
}

/** Null when it is nothing Raft would send. */
export function fromWire(
  { term, body }: wire.Message,
  { clusterId, from, to }: Envelope,
): Message | null {
  const decoded = bodyFromWire(body);
  if (decoded === null) return null;
  const message = { clusterId, protocolVersion, from, to, term: asTerm(term), ...decoded };
  return isWellFormed(message) ? message : null;
}

function bodyToWire(message: MessageBody): wire.Message["body"] {
  switch (message.kind) {
    case "pre-vote-request":
      return { $case: "preVoteRequest", value: { last: message.last } };
    case "pre-vote-reply":
      return { $case: "preVoteReply", value: message };
    case "vote-request":
      return { $case: "voteRequest", value: message };
    case "vote-reply":
      return { $case: "voteReply", value: message };
    case "append":
      return { $case: "append", value: { ...message, entries: message.entries.map(entryToWire) } };
    case "append-accepted":
      return { $case: "appendAccepted", value: message };
    case "append-rejected":
      return { $case: "appendRejected", value: message };
    case "heartbeat":
      return { $case: "heartbeat", value: message };
    case "heartbeat-reply":
      return { $case: "heartbeatReply", value: message };
    case "snapshot-chunk": {
      const { snapshot, offset, bytes, done } = message;
      const membership = membershipToWire(snapshot.membership);
      return { $case: "snapshotChunk", value: { last: snapshot, membership, offset, bytes, done } };
    }
    case "snapshot-progress":
      return { $case: "snapshotProgress", value: message };
    case "timeout-now":
      return { $case: "timeoutNow", value: {} };
    case "read-request": {
      const lease = message.mode === "lease";
      const mode = lease ? wire.ReadMode.LEASE : wire.ReadMode.LINEARIZABLE;
      return { $case: "readRequest", value: { request: message.request, mode } };
    }
    case "read-reply":
      return { $case: "readReply", value: message };
    case "term-notice":
      return { $case: "termNotice", value: {} };
  }
}

function bodyFromWire(body: wire.Message["body"]): MessageBody | null {
  switch (body?.$case) {
    case "preVoteRequest":
      return { kind: "pre-vote-request", last: positionFromWire(body.value.last) };
    case "preVoteReply":
      return { kind: "pre-vote-reply", granted: body.value.granted };
    case "voteRequest": {
      const { last, transfer } = body.value;
      return { kind: "vote-request", last: positionFromWire(last), transfer };
    }
    case "voteReply":
      return { kind: "vote-reply", granted: body.value.granted };
    case "append":
      return appendFromWire(body.value);
    case "appendAccepted":
      return { kind: "append-accepted", ...body.value };
    case "appendRejected": {
      const { rejectedIndex, hint, repairing } = body.value;
      return { kind: "append-rejected", rejectedIndex, hint: positionFromWire(hint), repairing };
    }
    case "heartbeat":
      return Number.isFinite(body.value.sentAtMs) ? { kind: "heartbeat", ...body.value } : null;
    case "heartbeatReply": {
      const { sentAtMs, priority } = body.value;
      if (!Number.isFinite(sentAtMs) || !(priority >= 0 && priority <= 100)) return null;
      return { kind: "heartbeat-reply", ...body.value };
    }
    case "snapshotChunk":
      return chunkFromWire(body.value);
    case "snapshotProgress":
      return { kind: "snapshot-progress", ...body.value };
    case "timeoutNow":
      return { kind: "timeout-now" };
    case "readRequest": {
      const { request, mode } = body.value;
      const known = readModes.get(mode);
      if (request === undefined || known === undefined) return null;
      return { kind: "read-request", request, mode: known };
    }
    case "readReply": {
      const { request, readIndex } = body.value;
      return request === undefined ? null : { kind: "read-reply", request, readIndex };
    }
    case "termNotice":
      return { kind: "term-notice" };
    case undefined:
      return null;
  }
}

function positionFromWire(position: wire.Position | undefined): LogPosition {
  return { index: position?.index ?? 0, term: asTerm(position?.term ?? 0) };
}

function entryToWire(entry: Entry): wire.Entry {
  const { term } = entry;
  switch (entry.kind) {
    case "command":
      return { term, payload: { $case: "command", value: entry.command } };
    case "no-op":
      return { term, payload: { $case: "noOp", value: {} } };
    case "membership":
      return {
        term,
        payload: { $case: "membership", value: membershipToWire(entry.membership) },
      };
  }
}

function appendFromWire(append: wire.Append): MessageBody | null {
  const previous = positionFromWire(append.previous);
  const entries: Entry[] = [];
  let index = previous.index;
  for (const received of append.entries) {
    const entry = entryFromWire(received, ++index);
    if (entry === null) return null;
    entries.push(entry);
  }
  return { kind: "append", previous, entries, commitIndex: append.commitIndex };
}

function entryFromWire({ term: received, payload }: wire.Entry, index: number): Entry | null {
  const term = asTerm(received);
  switch (payload?.$case) {
    case "command":
      return { index, term, kind: "command", command: payload.value };
    case "noOp":
      return { index, term, kind: "no-op" };
    case "membership": {
      const membership = membershipFromWire(payload.value);
      return membership === null ? null : { index, term, kind: "membership", membership };
    }
    case undefined:
      return null;
  }
}

function chunkFromWire(chunk: wire.SnapshotChunk): MessageBody | null {
  const { offset, bytes, done } = chunk;
  const membership = chunk.membership === undefined ? null : membershipFromWire(chunk.membership);
  if (membership === null) return null;
  const snapshot = { ...positionFromWire(chunk.last), membership };
  return { kind: "snapshot-chunk", snapshot, offset, bytes, done };
}

export function membershipToWire({ voters, outgoing, learners }: Membership): wire.Membership {
  return {
    voters: [...voters],
    outgoing: outgoing === null ? undefined : { voters: [...outgoing] },
    learners: [...learners],
  };
}

/** Null when a member has no name, or one that cannot be meant. */
export function membershipFromWire(received: wire.Membership): Membership | null {
  const { voters, outgoing, learners } = received;
  const all: readonly wire.Member[] = [...voters, ...(outgoing?.voters ?? []), ...learners];
  const sound = all.every(({ id, address }) => {
    return id.length > 0 && id.length <= maxNameLength && address.length <= maxNameLength;
  });
  if (!sound) return null;
  // The check above is all that a branded name asks for.
  const named = received as unknown as {
    readonly voters: readonly Member[];
    readonly learners: Membership["learners"];
  };
  const previous = outgoing === undefined ? null : (outgoing.voters as unknown as Member[]);
  return { voters: named.voters, outgoing: previous, learners: named.learners };
}
