/** How a leader's own log grows: proposals, its no-op, and the memberships it decides. */

import { type Fault, fault } from "../base/index.ts";
import type { RaftEvent } from "./event.ts";
import { type Entry, entryBytes, type LogIndex, type LogPosition } from "./log-entry.ts";
import type { Membership } from "./membership.ts";
import { emit, refuse } from "./outbox.ts";
import type { Leader, RaftState } from "./state.ts";

type Content =
  | { readonly kind: "command"; readonly command: Uint8Array }
  | { readonly kind: "no-op" }
  | { readonly kind: "membership"; readonly membership: Membership };

/** A leader only ever appends; it never touches what is there (dissertation, figure 3.2). */
export function appendAsLeader(state: RaftState, leader: Leader, content: Content): LogPosition {
  const index = state.log.lastIndex + 1;
  const entry: Entry = { index, term: state.term, ...content };
  leader.uncommittedBytes += entryBytes(entry);
  state.log.append([entry]);
  if (state.memberships.note(entry)) {
    emit(state, { kind: "membership-changed", membership: state.memberships.latest.membership });
  }
  return entry;
}

/** Takes all commands of a proposal or none. */
export function propose(
  state: RaftState,
  { id, commands }: Extract<RaftEvent, { readonly kind: "propose" }>,
): void {
  const { role } = state;
  const reason = role.kind === "leader" ? reasonToRefuse(state, role) : notLeader;
  if (role.kind !== "leader" || reason !== null) {
    state.counters.refusedProposals += commands.length;
    refuse(state, id, reason ?? notLeader);
    return;
  }
  const firstIndex = state.log.lastIndex + 1;
  const entries: Entry[] = [];
  for (const command of commands) {
    const index: LogIndex = firstIndex + entries.length;
    const entry: Entry = { index, term: state.term, kind: "command", command };
    role.uncommittedBytes += entryBytes(entry);
    entries.push(entry);
  }
  state.log.append(entries);
  emit(state, { kind: "accepted", id, term: state.term, firstIndex, count: entries.length });
}

export const notLeader: Fault = fault(
  "E_NOT_LEADER",
  "this node does not lead the group",
  "ask the leader, or wait for an election when none is known",
);

const transferring = fault(
  "E_TRANSFER_IN_PROGRESS",
  "leadership is being handed over",
  "ask again in a moment",
);

/** What keeps a leader from taking more work; null when nothing does. */
export function reasonToRefuse(state: RaftState, leader: Leader): Fault | null {
  // Entries that arrive while the target catches up would keep it from ever doing so (3.10).
  if (leader.transfer !== null) return transferring;
  if (state.diskFull) {
    return fault("E_DISK_FULL", "the leader's disk has no room", "free space on it");
  }
  // One proposal may overshoot the limit, so that a large one is not refused for ever.
  if (leader.uncommittedBytes >= state.options.maxUncommittedBytes) {
    return fault("E_OVERLOADED", "too much waits to be agreed on", "ask again in a moment");
  }
  return null;
}
