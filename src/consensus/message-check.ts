/**
 * What a message must be like whoever sent it, beyond what its types say: the protocol's invariants
 * are asserted, and no peer, however broken, may trip an assertion by sending what Raft never
 * would.
 */

import type { Message, MessageOf } from "./message.ts";

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

export function isWellFormed(message: Message): boolean {
  if (!isCount(message.term)) return false;
  switch (message.kind) {
    case "append":
      return isWellFormedAppend(message);
    case "append-accepted":
      return isCount(message.matchIndex);
    case "append-rejected":
      return isCount(message.rejectedIndex) && isCount(message.hint.index);
    case "heartbeat":
      return isCount(message.commitIndex);
    case "snapshot-chunk": {
      const { snapshot, offset, bytes, done, term } = message;
      const named = isCount(snapshot.index) && snapshot.index > 0 && snapshot.term <= term;
      return named && isCount(offset) && (done || bytes.length > 0);
    }
    case "snapshot-progress":
      return isCount(message.index) && isCount(message.nextOffset);
    default:
      return true;
  }
}

/** Entries follow `previous` without a gap, and terms only grow, up to the leader's. */
function isWellFormedAppend({
  previous,
  entries,
  commitIndex,
  term,
}: MessageOf<"append">): boolean {
  if (!isCount(previous.index) || !isCount(commitIndex)) return false;
  let before = previous;
  for (const entry of entries) {
    if (entry.index !== before.index + 1 || entry.term < before.term) return false;
    before = entry;
  }
  return before.term <= term;
}
