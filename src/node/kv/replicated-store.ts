/**
 * The agreed store as the faces ask it: what changes is proposed to the group, what only reads is
 * read here, after asking the group whether here is recent enough.
 */

import { type Fault, failed, ok, type Random, type Result } from "../../base/index.ts";
import {
  type Command,
  checkCommand,
  checkOperation,
  type DeleteRangeRequest,
  encodeCommand,
  isReadOnly,
  type KvStateMachine,
  type LeaseId,
  noLease,
  type PutRequest,
  type RangeReply,
  type RangeRequest,
  type Reply,
  type TransactionReply,
  type TransactionRequest,
  type Watcher,
  type WatchRequest,
} from "../../kvstore/index.ts";
import type { Agreement } from "./agreement.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import { leaseNotFound } from "./lease-keeper.ts";
import type { Standing } from "./standing.ts";

type ReplyOf<Kind extends Reply["kind"]> = Extract<Reply, { readonly kind: Kind }>;

export interface ReplicatedStoreParts {
  readonly agreement: Agreement;
  readonly machine: KvStateMachine;
  readonly standing: Standing;
  readonly leases: LeaseKeeper;
  readonly random: Random;
  readonly defragment: (signal: AbortSignal) => Promise<void>;
}

/** As etcd's with its default election timeout: less, and one slow election ends the lease. */
const minLeaseTtlSeconds = 2;

export class ReplicatedStore {
  readonly #parts: ReplicatedStoreParts;
  readonly #life = new AbortController();

  constructor(parts: ReplicatedStoreParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#life.abort();
  }

  revision(): number {
    return this.#parts.standing.revision;
  }

  term(): number {
    return this.#parts.standing.agreement?.term ?? 0;
  }

  async range(request: RangeRequest, serializable: boolean): Promise<Result<RangeReply>> {
    const objection = checkOperation(request);
    if (objection !== null) return failed(objection);
    if (!serializable) {
      const current = await this.#parts.agreement.read("linearizable");
      if (!current.ok) return current;
    }
    return this.#parts.machine.range(request);
  }

  put(request: PutRequest): Promise<Result<ReplyOf<"put">>> {
    return this.#propose("put", request);
  }

  deleteRange(request: DeleteRangeRequest): Promise<Result<ReplyOf<"delete-range">>> {
    return this.#propose("delete-range", request);
  }

  async transaction(request: TransactionRequest): Promise<Result<TransactionReply>> {
    if (!isReadOnly(request)) return this.#propose("transaction", request);
    const objection = checkOperation(request);
    if (objection !== null) return failed(objection);
    const current = await this.#parts.agreement.read("linearizable");
    return current.ok ? this.#parts.machine.readTransaction(request) : current;
  }

  async compact(revision: number, physical: boolean): Promise<Result<ReplyOf<"compact">>> {
    const compacted = await this.#propose("compact", { kind: "compact", revision });
    if (compacted.ok && physical) await this.#parts.defragment(this.#life.signal);
    return compacted;
  }

  async leaseGrant(id: LeaseId, ttlSeconds: number) {
    const command = {
      kind: "lease-grant",
      id: id === noLease ? this.#freshLeaseId() : id,
      ttlSeconds: Math.max(minLeaseTtlSeconds, ttlSeconds),
    } as const;
    const granted = await this.#propose("lease-grant", command);
    if (granted.ok) this.#parts.leases.begin(granted.value.id);
    return granted;
  }

  leaseRevoke(id: LeaseId): Promise<Result<ReplyOf<"lease-revoke">>> {
    return this.#propose("lease-revoke", { kind: "lease-revoke", id });
  }

  async leaseKeepAlive(id: LeaseId) {
    const renewed = await this.#parts.leases.renew(id);
    if (!renewed.ok) return renewed;
    return ok({ id, ttlSeconds: renewed.value, revision: this.revision() });
  }

  async leaseTimeToLive(id: LeaseId, withKeys: boolean) {
    const left = await this.#parts.leases.remainingMs(id);
    if (!left.ok) return left;
    const lease = this.#parts.machine.leases().get(id);
    if (lease === undefined) return failed(leaseNotFound);
    return ok({
      id,
      ttlSeconds: Math.floor(left.value / 1_000),
      grantedTtlSeconds: lease.ttlSeconds,
      keys: withKeys ? [...lease.keys].sort() : [],
      revision: this.revision(),
    });
  }

  async leases(): Promise<Result<{ readonly ids: readonly bigint[]; readonly revision: number }>> {
    const current = await this.#parts.agreement.read("linearizable");
    if (!current.ok) return current;
    return ok({ ids: [...this.#parts.machine.leases().keys()], revision: this.revision() });
  }

  watch(request: WatchRequest): Watcher {
    return this.#parts.machine.watch(request);
  }

  async #propose<Kind extends Command["kind"] & Reply["kind"]>(
    kind: Kind,
    command: Extract<Command, { readonly kind: Kind }>,
  ): Promise<Result<ReplyOf<Kind>, Fault>> {
    const objection = checkCommand(command);
    if (objection !== null) return failed(objection);
    const agreed = await this.#parts.agreement.propose(encodeCommand(command));
    if (!agreed.ok) return agreed;
    const reply = agreed.value;
    if (reply.kind === "refused") return failed(reply.fault);
    if (reply.kind !== kind) {
      throw new Error(`broken invariant: expected a reply to ${kind}, not ${reply.kind}`);
    }
    return ok(reply as ReplyOf<Kind>);
  }

  /** 63 bits of chance, positive as etcd's are. */
  #freshLeaseId(): LeaseId {
    const { random } = this.#parts;
    const high = BigInt(random.uint32() >>> 1);
    return (high << 32n) | BigInt(random.uint32() || 1);
  }
}
