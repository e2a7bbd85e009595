/**
 * From what the disk holds to a Raft state that may run: log, snapshot and state machine are brought
 * to agree, and a founder writes its first entry.
 */

import {
  type Clock,
  failed,
  fault,
  type Logger,
  messageOf,
  type Random,
  type Result,
} from "../../base/index.ts";
import { bootstrapped, createRaft } from "../create-raft.ts";
import type { Member } from "../membership.ts";
import type { RaftOptions } from "../options.ts";
import type { RaftLog, RecoveredLog } from "../raft-log.ts";
import type { SnapshotStore } from "../snapshot-store.ts";
import type { RaftIdentity, RaftState } from "../state.ts";
import type { StateMachine } from "../state-machine.ts";

export interface RecoverParts {
  readonly clock: Clock;
  readonly log: RaftLog;
  readonly snapshots: SnapshotStore;
  readonly stateMachine: Pick<StateMachine<unknown>, "applied" | "restore">;
  readonly random: Random;
  readonly logger: Logger;
}

/** Faults: those of `RaftLog.recover` and `createRaft`, E_STATE_MACHINE_FAILED, E_LOG_FAILED. */
export async function recover(
  parts: RecoverParts,
  identity: RaftIdentity,
  options: RaftOptions,
  founders: readonly Member[] | null,
  signal: AbortSignal,
): Promise<Result<RaftState>> {
  const { log, snapshots, stateMachine, random, logger } = parts;
  const snapshot = snapshots.latest();
  const recovered = await log.recover(snapshot);
  if (!recovered.ok) return recovered;
  let held = recovered.value;
  if (snapshot === null && founders !== null && isFresh(held)) {
    const first = bootstrapped(founders);
    try {
      await log.write({ hardState: first.hardState, entries: first.entries });
    } catch (thrown) {
      return failed(fault("E_LOG_FAILED", `the first entry was not written: ${messageOf(thrown)}`));
    }
    held = first;
  }
  const lastIndex = held.base.index + held.entries.length;
  const { index } = stateMachine.applied();
  const behind = snapshot !== null && index < snapshot.index;
  // It had applied what the log has since lost to damage; the leader will send it again.
  const ahead = snapshot !== null && index > lastIndex;
  if (behind || ahead) {
    logger.info("the agreed state is restored from a snapshot", {
      applied: index,
      snapshot: snapshot.index,
    });
    try {
      await stateMachine.restore(snapshot, snapshots.read(snapshot.index, signal), signal);
    } catch (thrown) {
      const message = `the snapshot was not restored: ${messageOf(thrown)}`;
      const remedy = "remove this node from the group and join it again under a new id";
      return failed(fault("E_STATE_MACHINE_FAILED", message, remedy));
    }
  }
  const appliedIndex = stateMachine.applied().index;
  return createRaft(
    { random, recovered: { ...held, snapshot, appliedIndex } },
    identity,
    options,
    parts.clock.monotonicMs(),
  );
}

const isFresh = ({ hardState, base, entries }: RecoveredLog): boolean =>
  hardState.term === 0 && base.index === 0 && entries.length === 0;
