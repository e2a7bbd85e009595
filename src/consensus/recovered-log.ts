/**
 * What a restart makes of a log beside the snapshot it belongs to. Knows the one case in which a
 * readable log still lacks something: its beginning was given up for a snapshot that is gone.
 */

import type { HardState } from "./effect.ts";
import { beforeTheLog, type LogIndex, type LogPosition } from "./log-entry.ts";
import type { SnapshotMeta } from "./message.ts";
import type { RecoveredLog } from "./raft-log.ts";

/**
 * The log as it may be used behind `snapshot`. It is emptied up to there when it does not hold that
 * position: the snapshot came from a leader, so nothing acknowledged goes. When the log begins after
 * it (the snapshot it was compacted for is gone), something did, and a repair says so.
 */
export function behindSnapshot(log: RecoveredLog, snapshot: SnapshotMeta | null): RecoveredLog {
  const { base, entries } = log;
  const { index, term }: LogPosition = snapshot ?? beforeTheLog;
  const place: LogPosition = { index, term };
  if (base.index > index) {
    const lastIndex = base.index + entries.length;
    return { base: place, entries: [], hardState: inRepair(log.hardState, lastIndex) };
  }
  const termThere = index === base.index ? base.term : entries[index - base.index - 1]?.term;
  return termThere === term ? log : { ...log, base: place, entries: [] };
}

/**
 * The hard state of a node that found acknowledged entries missing; what an earlier damage cost is
 * not forgotten. @param lastIndex null when the damage hid how far the log went
 */
export function inRepair(hardState: HardState, lastIndex: LogIndex | null): HardState {
  const earlier = hardState.repair;
  const known = lastIndex !== null && (earlier === null || earlier.lastIndex !== null);
  const farthest = known ? Math.max(lastIndex, earlier?.lastIndex ?? 0) : null;
  return { ...hardState, repair: { term: hardState.term, lastIndex: farthest } };
}
