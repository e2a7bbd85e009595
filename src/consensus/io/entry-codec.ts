/**
 * Entries, memberships and hard states as bytes, for the log and for snapshots. Compact, and strict
 * when read: whatever is not exactly what the writer writes fails the reader.
 */

import { assert, type NodeId, unreachable } from "../../base/index.ts";
import type { HardState } from "../effect.ts";
import { asTerm, type Entry, type LogIndex, type LogPosition } from "../log-entry.ts";
import type { Learner, Member, Membership } from "../membership.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type ByteWriter, maxUint48 } from "./byte-writer.ts";

const commandKind = 1;
const noOpKind = 2;
const membershipKind = 3;

/** Length, term and kind before each entry. */
const entryHeaderBytes = 4 + 6 + 1;

/** How many bytes `writeEntry` takes for a command or no-op; a membership takes a few hundred. */
export function encodedEntryBytes(entry: Entry): number {
  return entryHeaderBytes + (entry.kind === "command" ? entry.command.length : 0);
}

/** Its index is not written: entries stand in order behind the index of the first. */
export function writeEntry(out: ByteWriter, entry: Entry): void {
  const start = out.length;
  out.uint32(entry.kind === "command" ? entry.command.length : 0);
  out.uint48(entry.term);
  switch (entry.kind) {
    case "command":
      out.uint8(commandKind);
      out.raw(entry.command);
      break;
    case "no-op":
      out.uint8(noOpKind);
      break;
    case "membership":
      out.uint8(membershipKind);
      writeMembership(out, entry.membership);
      out.patchUint32(start, out.length - start - entryHeaderBytes);
      break;
    default:
      unreachable(entry);
  }
}

/** A command is a view of the reader's bytes. */
export function readEntry(reader: ByteReader, index: LogIndex): Entry {
  const bytes = reader.uint32();
  const term = asTerm(reader.uint48());
  const kind = reader.uint8();
  const end = reader.position + bytes;
  let entry: Entry = { index, term, kind: "no-op" };
  if (kind === commandKind) entry = { index, term, kind: "command", command: reader.raw(bytes) };
  else if (kind === membershipKind) {
    entry = { index, term, kind: "membership", membership: readMembership(reader) };
  } else if (kind !== noOpKind) reader.fail();
  if (reader.position !== end) reader.fail();
  return entry;
}

const noOutgoing = 0xffff;

export function writeMembership(out: ByteWriter, membership: Membership): void {
  const { voters, outgoing, learners } = membership;
  writeMembers(out, voters);
  if (outgoing === null) out.uint16(noOutgoing);
  else writeMembers(out, outgoing);
  writeMembers(out, learners);
  for (const { promote } of learners) out.uint8(promote ? 1 : 0);
}

export function readMembership(reader: ByteReader): Membership {
  const voters = readMembers(reader, reader.uint16());
  const outgoingCount = reader.uint16();
  const outgoing = outgoingCount === noOutgoing ? null : readMembers(reader, outgoingCount);
  const learners: Learner[] = readMembers(reader, reader.uint16()).map((member) => ({
    ...member,
    promote: reader.uint8() === 1,
  }));
  return { voters, outgoing, learners };
}

function writeMembers(out: ByteWriter, members: readonly Member[]): void {
  assert(members.length < noOutgoing, "fewer members than the count can hold");
  out.uint16(members.length);
  for (const { id, address } of members) {
    out.text(id);
    out.text(address);
  }
}

function readMembers(reader: ByteReader, count: number): Member[] {
  const members: Member[] = [];
  while (members.length < count && !reader.failed) {
    members.push({ id: reader.text() as NodeId, address: reader.text() });
  }
  return members;
}

export function writePosition(out: ByteWriter, { index, term }: LogPosition): void {
  assert(index <= maxUint48 && term <= maxUint48, "an index and a term below 2^48");
  out.uint48(index);
  out.uint48(term);
}

export function readPosition(reader: ByteReader): LogPosition {
  return { index: reader.uint48(), term: asTerm(reader.uint48()) };
}

const hasVote = 1;
const hasRepair = 2;
const repairKnowsLast = 4;

export function writeHardState(out: ByteWriter, { term, votedFor, repair }: HardState): void {
  const vote = votedFor === null ? 0 : hasVote;
  const known = repair === null || repair.lastIndex === null ? 0 : repairKnowsLast;
  out.uint8(vote | (repair === null ? 0 : hasRepair) | known);
  out.uint48(term);
  if (votedFor !== null) out.text(votedFor);
  if (repair === null) return;
  out.uint48(repair.term);
  out.uint48(repair.lastIndex ?? 0);
}

export function readHardState(reader: ByteReader): HardState {
  const flags = reader.uint8();
  if (flags > (hasVote | hasRepair | repairKnowsLast)) reader.fail();
  const term = asTerm(reader.uint48());
  const votedFor = flags & hasVote ? (reader.text() as NodeId) : null;
  if (!(flags & hasRepair)) return { term, votedFor, repair: null };
  const repairTerm = asTerm(reader.uint48());
  const lastIndex = reader.uint48();
  const known = (flags & repairKnowsLast) !== 0;
  return { term, votedFor, repair: { term: repairTerm, lastIndex: known ? lastIndex : null } };
}
