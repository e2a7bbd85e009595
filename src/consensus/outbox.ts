/**
 * Where effects are collected during a step, and where messages wait for the disk. This is the one
 * place that keeps the promise "an acknowledgement leaves only after its write is durable"
 * (Raft dissertation, section 10.2.1; the token discipline is etcd-io/raft's AsyncStorageWrites).
 */

import type { Fault, NodeId } from "../base/index.ts";
import type { Effect } from "./effect.ts";
import type { RequestId } from "./event.ts";
import type { Term } from "./log-entry.ts";
import { type Message, type MessageBody, protocolVersion } from "./message.ts";
import { leaderIdOf, type RaftState } from "./state.ts";

export function emit(state: RaftState, effect: Effect): void {
  state.effects.push(effect);
}

function addressed(state: RaftState, to: NodeId, term: Term, body: MessageBody): Message {
  const { clusterId, id } = state;
  return { clusterId, protocolVersion, from: id, to, term, ...body };
}

/** Leaves with this step: it promises nothing that the disk must keep. */
export function send(state: RaftState, to: NodeId, body: MessageBody, term = state.term): void {
  emit(state, { kind: "send", message: addressed(state, to, term, body) });
}

/** Leaves once everything this node has decided so far, this step included, is on disk. */
export function sendOnceDurable(state: RaftState, to: NodeId, body: MessageBody): void {
  const unissued = state.hardStateUnsaved || state.log.hasUnsaved;
  const token = state.issuedToken + (unissued ? 1 : 0);
  const message = addressed(state, to, state.term, body);
  // While a disk hangs its leader keeps asking; the last answer stands for all.
  const last = state.gated[state.gated.length - 1];
  if (last?.token === token && supersedes(message, last.message)) state.gated.pop();
  state.gated.push({ token, message });
}

/** True when a later acknowledgement to the same leader says all that the earlier one did. */
function supersedes(later: Message, earlier: Message): boolean {
  return (
    later.kind === "append-accepted" &&
    earlier.kind === "append-accepted" &&
    later.to === earlier.to &&
    later.term === earlier.term &&
    later.matchIndex >= earlier.matchIndex
  );
}

/** Issues the one disk write of this step, if it needs any. */
export function issueWrite(state: RaftState): void {
  if (!state.hardStateUnsaved && !state.log.hasUnsaved) return;
  const token = ++state.issuedToken;
  const { term, votedFor, repair } = state;
  const hardState = state.hardStateUnsaved ? { term, votedFor, repair } : null;
  state.hardStateUnsaved = false;
  emit(state, { kind: "persist", token, hardState, entries: state.log.takeUnsaved(token) });
}

/**
 * Lets go of every message whose write is durable. Returns those this node sent to itself, its own
 * vote that is; an acknowledgement of a term that has passed is dropped, as its leader is gone.
 */
export function releaseDurable(state: RaftState): Message[] {
  const toSelf: Message[] = [];
  let released = 0;
  for (const { token, message } of state.gated) {
    if (token > state.persistedToken) break;
    released++;
    if (message.term !== state.term) state.counters.staleAcknowledgements++;
    else if (message.to === state.id) toSelf.push(message);
    else if (!isSuperseded(state, message, released)) emit(state, { kind: "send", message });
  }
  state.gated.splice(0, released);
  return toSelf;
}

/** True when the next message leaves in the same breath and says it all. */
function isSuperseded(state: RaftState, message: Message, following: number): boolean {
  const next = state.gated[following];
  if (next === undefined || next.token > state.persistedToken) return false;
  return supersedes(next.message, message);
}

export function refuse(
  state: RaftState,
  id: RequestId,
  fault: Fault,
  leaderId = leaderIdOf(state),
): void {
  emit(state, { kind: "refused", id, fault, leaderId });
}
