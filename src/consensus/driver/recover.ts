/**
 * From what the disk holds to a Raft state that may run: log, snapshot and state machine are brought
 * to agree, and a founder writes its first entry. Knows that a state machine ahead of its log proves
 * damage, however much the log's end looks like a torn write.
 */

import {
  type Clock,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Random,
  type Result,
} from "../../base/index.ts";
import { bootstrapped, createRaft } from "../create-raft.ts";
import type { Member } from "../membership.ts";
import type { SnapshotMeta } from "../message.ts";
import type { RaftOptions } from "../options.ts";
import type { RaftLog, RecoveredLog } from "../raft-log.ts";
import { inRepair } from "../recovered-log.ts";
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
  const restored = await catchUp(parts, snapshot, signal);
  if (!restored.ok) return restored;
  const lastIndex = held.base.index + held.entries.length;
  const applied = stateMachine.applied().index;
  if (applied > lastIndex) {
    // Nothing is applied before it is on this disk: the log lost what it had acknowledged.
    logger.error(
      "the Raft log lacks entries that were applied; this node does not vote until it has them again",
      { lastIndex, applied },
    );
    held = { ...held, hardState: inRepair(held.hardState, applied) };
    try {
      await log.write({ hardState: held.hardState, entries: [] });
    } catch (thrown) {
      return failed(fault("E_LOG_FAILED", `the repair was not noted: ${messageOf(thrown)}`));
    }
  }
  return createRaft(
    { random, recovered: { ...held, snapshot, appliedIndex: Math.min(applied, lastIndex) } },
    identity,
    options,
    parts.clock.monotonicMs(),
  );
}

/** A state machine that is older than the snapshot starts from it. */
async function catchUp(
  { stateMachine, snapshots, logger }: RecoverParts,
  snapshot: SnapshotMeta | null,
  signal: AbortSignal,
): Promise<Result<null>> {
  const { index } = stateMachine.applied();
  if (snapshot === null || index >= snapshot.index) return ok(null);
  const places = { applied: index, snapshot: snapshot.index };
  logger.info("the agreed state is restored from a snapshot", places);
  try {
    await stateMachine.restore(snapshot, snapshots.read(snapshot.index, signal), signal);
    return ok(null);
  } catch (thrown) {
    const message = `the snapshot was not restored: ${messageOf(thrown)}`;
    const remedy = "remove this node from the group and join it again under a new id";
    return failed(fault("E_STATE_MACHINE_FAILED", message, remedy));
  }
}

const isFresh = ({ hardState, base, entries }: RecoveredLog): boolean =>
  hardState.term === 0 && base.index === 0 && entries.length === 0;
