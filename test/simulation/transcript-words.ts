/**
 * How transcripts put messages, effects and states into words: short, and complete enough to judge.
 */

import type { NodeId } from "../../src/base/index.ts";
import type {
  Effect,
  Entry,
  LogPosition,
  Member,
  Membership,
  Message,
  RaftState,
} from "../../src/consensus/index.ts";

const place = ({ index, term }: LogPosition) => `${index}/t${term}`;
const names = (members: readonly Member[]) => members.map(({ id }) => id).join(",");

function describeEntry(entry: Entry): string {
  if (entry.kind === "command") return `${place(entry)} ${new TextDecoder().decode(entry.command)}`;
  if (entry.kind === "no-op") return `${place(entry)} no-op`;
  return `${place(entry)} ${describeMembership(entry.membership)}`;
}

function describeMembership({ voters, outgoing, learners }: Membership): string {
  const parts = [`voters ${names(voters)}`];
  if (outgoing !== null) parts.push(`outgoing ${names(outgoing)}`);
  if (learners.length > 0) parts.push(`learners ${names(learners)}`);
  return `{${parts.join("; ")}}`;
}

const entriesOf = (entries: readonly Entry[]) => `[${entries.map(describeEntry).join(", ")}]`;

export function describeMessage(message: Message): string {
  const { from, to, term } = message;
  return `  ${from} > ${to} t${term} ${bodyOf(message)}`;
}

function bodyOf(message: Message): string {
  switch (message.kind) {
    case "pre-vote-request":
      return `pre-vote? log ends ${place(message.last)}`;
    case "pre-vote-reply":
      return `pre-vote ${message.granted ? "granted" : "refused"}`;
    case "vote-request":
      return `vote? log ends ${place(message.last)}${message.transfer ? ", by order" : ""}`;
    case "vote-reply":
      return `vote ${message.granted ? "granted" : "refused"}`;
    case "append": {
      const { previous, entries, commitIndex } = message;
      return `append after ${place(previous)} ${entriesOf(entries)} commit ${commitIndex}`;
    }
    case "append-accepted":
      return `accepted up to ${message.matchIndex}`;
    case "append-rejected": {
      const { rejectedIndex, hint, repairing } = message;
      const note = repairing ? ", in repair" : "";
      return `rejected after ${rejectedIndex}, try ${place(hint)}${note}`;
    }
    case "heartbeat":
      return `heartbeat commit ${message.commitIndex} round ${message.round}`;
    case "heartbeat-reply":
      return `heartbeat answered round ${message.round}${message.votes ? "" : ", may not vote"}`;
    case "snapshot-chunk": {
      const { snapshot, offset, bytes, done } = message;
      const end = done ? ", the last" : "";
      return `snapshot ${place(snapshot)} bytes ${offset}+${bytes.length}${end}`;
    }
    case "snapshot-progress":
      return `snapshot ${message.index} stored up to byte ${message.nextOffset}`;
    case "timeout-now":
      return "campaign now";
    case "read-request": {
      const mode = message.mode === "lease" ? ", by lease" : "";
      return `read? number ${message.request.sequence}${mode}`;
    }
    case "read-reply":
      return `read number ${message.request.sequence} at ${message.readIndex}`;
    case "term-notice":
      return "knows a newer term";
  }
}

/** Null for what shows elsewhere: sending shows on arrival, chunks show as messages. */
export function describeEffect(effect: Effect): string | null {
  switch (effect.kind) {
    case "persist": {
      const { hardState, entries } = effect;
      const parts: string[] = [];
      if (hardState !== null) {
        const { term, votedFor, repair } = hardState;
        parts.push(`term ${term}${votedFor === null ? "" : `, vote for ${votedFor}`}`);
        if (repair !== null) parts.push("in repair");
      }
      if (entries.length > 0) parts.push(entriesOf(entries));
      return `writes ${parts.join(", ")}`;
    }
    case "apply":
      return `applies ${entriesOf(effect.entries)}`;
    case "compact":
      return `keeps the log after ${place(effect.upTo)}`;
    case "accepted":
      return `takes request ${effect.id} as ${effect.firstIndex}/t${effect.term}`;
    case "refused": {
      const leader = effect.leaderId ?? "unknown";
      return `refuses request ${effect.id}: ${effect.fault.code}, leader ${leader}`;
    }
    case "read-ready":
      return `may answer read ${effect.id} at ${effect.readIndex}`;
    case "transfer-started":
      return `hands over to ${effect.target}`;
    case "role-changed": {
      const { role, term, leaderId } = effect;
      const of = role === "follower" && leaderId !== null ? ` of ${leaderId}` : "";
      return `is ${role}${of} in term ${term}`;
    }
    case "membership-changed":
      return `goes by ${describeMembership(effect.membership)}`;
    case "removed":
      return "is removed from the group";
    case "halt":
      return `halts: ${effect.fault.code}`;
    case "snapshot-wanted":
      return "wants a snapshot";
    case "send":
    case "read-snapshot-chunk":
    case "write-snapshot-chunk":
    case "install-snapshot":
      return null;
  }
}

export function describeState(id: NodeId, state: RaftState | null): string {
  if (state === null) return `${id} is down`;
  const { role, term, log, commitIndex, appliedIndex } = state;
  const terms: string[] = [];
  for (let index = log.base.index + 1; index <= log.lastIndex; index++) {
    terms.push(String(log.termAt(index)));
  }
  const base = log.base.index > 0 ? `after ${place(log.base)} ` : "";
  const repair = state.repair === null ? "" : ", in repair";
  const words = `log ${base}[${terms.join(" ")}] commit ${commitIndex} applied ${appliedIndex}`;
  return `${id} ${role.kind} term ${term} ${words}${repair}`;
}
