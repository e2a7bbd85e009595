/**
 * What the replicated log is made of. Knows how an entry is told from another and what it weighs.
 */

import type { Brand } from "../base/index.ts";
import type { Membership } from "./membership.ts";

/**
 * A leader's number (Raft dissertation, section 3.3). Branded, so that an index is never taken for
 * a term; indexes stay plain numbers because they are computed with everywhere.
 */
export type Term = Brand<number, "Term">;

/** The place of an entry in the log; the first is 1, and 0 means "before the log". */
export type LogIndex = number;

export const asTerm = (value: number): Term => value as Term;

/** Index and term name an entry and, by log matching, all before it (dissertation, section 3.5). */
export interface LogPosition {
  readonly index: LogIndex;
  readonly term: Term;
}

export const beforeTheLog: LogPosition = { index: 0, term: asTerm(0) };

/**
 * Whether a log that ends at `left` holds at least what one that ends at `right` may have
 * committed.
 */
export function atLeastAsCurrent(left: LogPosition, right: LogPosition): boolean {
  return left.term > right.term || (left.term === right.term && left.index >= right.index);
}

export type Entry = LogPosition &
  (
    | { readonly kind: "command"; readonly command: Uint8Array }
    /** A leader's first entry: committing it commits all before it (dissertation, section 6.4). */
    | { readonly kind: "no-op" }
    | { readonly kind: "membership"; readonly membership: Membership }
  );

/** What index, term, kind and framing cost on the wire and in memory, in bytes, roughly. */
const overheadBytes = 32;
const memberBytes = 64;

/** The weight of an entry for every limit in bytes: an estimate above the encoded size. */
export function entryBytes(entry: Entry): number {
  if (entry.kind === "command") return overheadBytes + entry.command.length;
  if (entry.kind === "no-op") return overheadBytes;
  const { voters, outgoing, learners } = entry.membership;
  const members = voters.length + (outgoing?.length ?? 0) + learners.length;
  return overheadBytes + members * memberBytes;
}
