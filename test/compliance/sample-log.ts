/** Entries, memberships and snapshots as the suites of the log and the snapshot store use them. */

import type { NodeId } from "../../src/base/index.ts";
import {
  asTerm,
  type Entry,
  type HardState,
  type Membership,
  type SnapshotMeta,
} from "../../src/consensus/index.ts";

export const sampleMembership: Membership = {
  voters: [
    { id: "n1" as NodeId, address: "10.0.0.1:7400" },
    { id: "n2" as NodeId, address: "[fe80::1%wlan0]:7400" },
  ],
  outgoing: [{ id: "n1" as NodeId, address: "" }],
  learners: [{ id: "knöt" as NodeId, address: "x", promote: true }],
};

export function command(index: number, term = 1, bytes = 20): Entry {
  const filled = Uint8Array.from({ length: bytes }, (_, at) => (index * 7 + term * 31 + at) & 0xff);
  return { index, term: asTerm(term), kind: "command", command: filled };
}

export function commands(first: number, last: number, term = 1, bytes = 20): Entry[] {
  const entries: Entry[] = [];
  for (let index = first; index <= last; index++) entries.push(command(index, term, bytes));
  return entries;
}

export function hardState(term: number, votedFor: string | null = null): HardState {
  return { term: asTerm(term), votedFor: votedFor as NodeId | null, repair: null };
}

export function snapshotAt(index: number, term = 1): SnapshotMeta {
  return { index, term: asTerm(term), membership: sampleMembership };
}
