/**
 * Leases on the member that leads: keeps their time, renews them, and proposes the end of those that
 * ran out. Knows when leadership began, because a new leader gives every lease its full time again.
 */

import { type Clock, type Fault, failed, type Logger, ok, type Result } from "../../base/index.ts";
import {
  encodeCommand,
  type KvStateMachine,
  LeaseClock,
  type LeaseId,
} from "../../kvstore/index.ts";
import type { Agreement } from "./agreement.ts";
import type { Standing } from "./standing.ts";

export interface LeaseKeeperParts {
  readonly agreement: Agreement;
  readonly machine: KvStateMachine;
  readonly standing: Standing;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** As often as etcd looks for leases that ran out (lessor.runLoop). */
const lookEveryMs = 500;
/** As etcd: at most so many in one look. */
const maxExpired = 500;

export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  readonly #time: LeaseClock;
  readonly #life = new AbortController();
  /** The term this member leads in; null while it does not. */
  #leadsIn: number | null = null;
  #running: Promise<void> | null = null;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
    this.#time = new LeaseClock({ leases: () => parts.machine.leases() });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#life.abort();
    await this.#running;
  }

  /** Answers its time to live in seconds. Where another member leads, that one is asked. */
  renew(id: LeaseId): Promise<Result<number>> {
    return this.#look() === null ? this.#ask("renew", id) : this.#renewHere(id);
  }

  /** Milliseconds left. Where another member leads, that one is asked. */
  remainingMs(id: LeaseId): Promise<Result<number>> {
    return this.#look() === null ? this.#ask("remaining", id) : this.#remainingHere(id);
  }

  /** What a follower asked. */
  async answer(question: Uint8Array): Promise<Result<Uint8Array>> {
    const asked = readQuestion(question);
    if (asked === null) return failed(unreadable);
    const { about, id } = asked;
    const known = about === "renew" ? await this.#renewHere(id) : await this.#remainingHere(id);
    return known.ok ? ok(writeNumber(known.value)) : known;
  }

  async #ask(about: Question["about"], id: LeaseId): Promise<Result<number>> {
    const { signal } = this.#life;
    const answered = await this.#parts.agreement.askLeader(writeQuestion({ about, id }), signal);
    if (!answered.ok) return answered;
    const number = readNumber(answered.value);
    return number === null ? failed(unreadable) : ok(number);
  }

  /**
   * A deposed leader could promise what its successor does not know of, so a majority is asked
   * first.
   */
  async #renewHere(id: LeaseId): Promise<Result<number>> {
    const confirmed = await this.#confirmed();
    if (!confirmed.ok) return confirmed;
    return this.#time.renew(id, this.#parts.clock.monotonicMs());
  }

  /** It was granted just now: where this member leads, its time begins. */
  begin(id: LeaseId): void {
    if (this.#look() !== null) this.#time.remainingMs(id, this.#parts.clock.monotonicMs());
  }

  async #remainingHere(id: LeaseId): Promise<Result<number>> {
    const confirmed = await this.#confirmed();
    if (!confirmed.ok) return confirmed;
    const left = this.#time.remainingMs(id, this.#parts.clock.monotonicMs());
    return left === null ? failed(leaseNotFound) : ok(left);
  }

  async #confirmed(): Promise<Result<void>> {
    if (this.#look() === null) return failed(notLeader);
    const read = await this.#parts.agreement.read("linearizable");
    if (!read.ok) return read;
    return this.#look() === null ? failed(notLeader) : ok(undefined);
  }

  #look(): number | null {
    const status = this.#parts.standing.agreement;
    const leadsIn = status !== null && status.role === "leader" ? status.term : null;
    if (leadsIn !== this.#leadsIn) this.#time.reset();
    this.#leadsIn = leadsIn;
    return leadsIn;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#life;
    while (!signal.aborted) {
      const term = this.#look();
      if (term !== null) await this.#expire(term);
      await clock.sleep(lookEveryMs, signal);
    }
  }

  async #expire(term: number): Promise<void> {
    const { agreement, clock, logger } = this.#parts;
    const expired = this.#time.expired(clock.monotonicMs(), maxExpired);
    const outcomes = await Promise.all(
      expired.map((id) =>
        agreement.propose(encodeCommand({ kind: "lease-expire", id, term }), this.#life.signal),
      ),
    );
    // They are still there, and will be looked at again.
    const refused = outcomes.find((outcome) => !outcome.ok);
    if (refused?.ok === false) logger.debug("leases wait for their end", { ...refused.fault });
  }
}

interface Question {
  readonly about: "renew" | "remaining";
  readonly id: LeaseId;
}

const topics = ["renew", "remaining"] as const;

/** A byte for what is asked, eight for the lease. */
function writeQuestion({ about, id }: Question): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(9));
  bytes.setUint8(0, topics.indexOf(about));
  bytes.setBigInt64(1, id);
  return new Uint8Array(bytes.buffer);
}

function readQuestion(bytes: Uint8Array): Question | null {
  const about = topics[bytes[0] ?? -1];
  if (about === undefined || bytes.length !== 9) return null;
  return { about, id: viewOf(bytes).getBigInt64(1) };
}

function writeNumber(value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value);
  return new Uint8Array(bytes.buffer);
}

function readNumber(bytes: Uint8Array): number | null {
  const value = bytes.length === 8 ? viewOf(bytes).getFloat64(0) : Number.NaN;
  return Number.isFinite(value) && value >= 0 ? value : null;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  new DataView(buffer, byteOffset, byteLength);

const unreadable: Fault = {
  code: "E_PEER_MALFORMED",
  message: "what a member said of a lease cannot be read",
};
export const leaseNotFound: Fault = {
  code: "E_LEASE_NOT_FOUND",
  message: "there is no such lease",
};
const notLeader: Fault = { code: "E_NOT_LEADER", message: "the leader keeps the time of leases" };
