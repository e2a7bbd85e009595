/** The `consensus` section of the observation: this node's part in its group, from the driver. */

import { type Fault, failed, fault, ok, type Result } from "../../base/index.ts";
import { type DriverStatus, membersOf } from "../../consensus/index.ts";
import type { ConsensusReading, Sensor } from "../../mape-k/index.ts";

export class ConsensusSensor implements Sensor<ConsensusReading> {
  readonly #status: () => DriverStatus | null;
  #persistMaxMs: number | null = null;

  constructor(parts: { readonly status: () => DriverStatus | null }) {
    this.#status = parts.status;
  }

  /** A write to the log was confirmed. */
  onPersisted(tookMs: number): void {
    this.#persistMaxMs = Math.max(this.#persistMaxMs ?? 0, tookMs);
  }

  sample(): Result<ConsensusReading, Fault> {
    const status = this.#status();
    const persistMaxMs = this.#persistMaxMs;
    this.#persistMaxMs = null;
    if (status === null) {
      return failed(fault("E_NOT_SUPPORTED", "this node takes no part in a group; see /health"));
    }
    const { role, leaderId, membership, peers, commitIndex, appliedIndex } = status;
    const votes = (id: string) => membership.voters.some((voter) => voter.id === id);
    const lags = peers.filter(({ id }) => votes(id)).map(({ lagEntries }) => lagEntries);
    return ok({
      role,
      leader: leaderId,
      members: membersOf(membership).length,
      leaderChanges: status.counters.leaderChanges,
      replicationLagEntries: role === "leader" ? Math.max(0, ...lags) : null,
      applyLagEntries: commitIndex - appliedIndex,
      persistMaxMs,
      diskQueue: status.diskQueue,
      pendingCommands: status.pendingCommands,
    });
  }
}
