/**
 * When a node that lost acknowledged entries may vote again. Until then it stores and acknowledges,
 * which is honest, but its vote could elect a leader without what it has forgotten (compare
 * Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018).
 */

import type { RaftState } from "./state.ts";

/**
 * Its durable log ends in a newer term than it had ever acknowledged anything in: then that term's
 * leader filled it, with all that was committed before. Or it ends in the same term, and at least
 * where it did before the damage.
 */
export function endRepair(state: RaftState): void {
  const { repair, log } = state;
  if (repair === null) return;
  const durableTerm = log.termAt(log.durableIndex);
  if (durableTerm === null) return;
  const refilled = repair.lastIndex !== null && log.durableIndex >= repair.lastIndex;
  if (durableTerm > repair.term || (durableTerm === repair.term && refilled)) {
    state.repair = null;
    state.hardStateUnsaved = true;
  }
}
