/**
 * When leases run out, by the leader's monotonic clock. The state machine knows which leases there
 * are; only the leader knows how long they have, and a new leader gives each its full time again.
 * So a lease may live longer than promised, by the time an election takes, and never shorter.
 */

import { failed, ok, type Result } from "../base/index.ts";
import { type KvFault, kvFault } from "./fault.ts";
import type { LeaseId } from "./request.ts";
import type { Lease } from "./store-state.ts";

export class LeaseClock {
  readonly #leases: () => ReadonlyMap<LeaseId, Lease>;
  /** Milliseconds of the monotonic clock; a lease that was never looked at has no entry yet. */
  readonly #deadlinesMs = new Map<LeaseId, number>();

  constructor(parts: { readonly leases: () => ReadonlyMap<LeaseId, Lease> }) {
    this.#leases = parts.leases;
  }

  /** This node has begun to lead, or has ceased to: what was known of deadlines is void. */
  reset(): void {
    this.#deadlinesMs.clear();
  }

  /**
   * Keeps the lease alive; answers its time to live in seconds. Only for a leader that a majority
   * has confirmed since the client asked (a linearizable read), or a deposed one could promise what
   * its successor does not know of. E_LEASE_NOT_FOUND also when it has run out already.
   */
  renew(id: LeaseId, nowMs: number): Result<number, KvFault> {
    const lease = this.#leases().get(id);
    if (lease === undefined || this.#deadlineOf(lease, nowMs) <= nowMs) {
      return failed(kvFault("E_LEASE_NOT_FOUND"));
    }
    this.#deadlinesMs.set(id, nowMs + 1000 * lease.ttlSeconds);
    return ok(lease.ttlSeconds);
  }

  /** Milliseconds left; null when there is no such lease. */
  remainingMs(id: LeaseId, nowMs: number): number | null {
    const lease = this.#leases().get(id);
    return lease === undefined ? null : Math.max(0, this.#deadlineOf(lease, nowMs) - nowMs);
  }

  /**
   * Leases that have run out, at most `limit`, for the leader to propose `lease-expire` for, again
   * and again until they are gone. To be called some times a second: a lease's time begins when it
   * is first seen here. A walk over all leases, some milliseconds for 100,000.
   */
  expired(nowMs: number, limit: number): LeaseId[] {
    const leases = this.#leases();
    for (const id of this.#deadlinesMs.keys()) if (!leases.has(id)) this.#deadlinesMs.delete(id);
    const expired: LeaseId[] = [];
    for (const lease of leases.values()) {
      if (this.#deadlineOf(lease, nowMs) <= nowMs && expired.length < limit) expired.push(lease.id);
    }
    return expired;
  }

  #deadlineOf({ id, ttlSeconds }: Lease, nowMs: number): number {
    const known = this.#deadlinesMs.get(id);
    if (known !== undefined) return known;
    const deadlineMs = nowMs + 1000 * ttlSeconds;
    this.#deadlinesMs.set(id, deadlineMs);
    return deadlineMs;
  }
}
