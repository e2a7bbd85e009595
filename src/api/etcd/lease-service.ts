/** `etcdserverpb.Lease`: time limits on keys. */

import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "../../wire/etcd/rpc.ts";
import { grpcFailure } from "../grpc/grpc-status.ts";
import type { Methods, StreamCall, StreamListener } from "../grpc/method.ts";
import type { StorePort } from "../store-port.ts";
import { etcdFailure, noLeaderKnown } from "./etcd-faults.ts";
import type { ReplyHeader } from "./reply-header.ts";
import { unary } from "./unary.ts";

export interface LeaseServiceParts {
  readonly store: StorePort;
  readonly header: ReplyHeader;
  readonly hasLeader: () => boolean;
}

/** Renewals that one stream may have under way. */
const maxPendingRenewals = 1_024;

export function leaseMethods(parts: LeaseServiceParts): Methods {
  const { store, header } = parts;
  return {
    "/etcdserverpb.Lease/LeaseGrant": unary(
      LeaseGrantRequest,
      LeaseGrantResponse,
      async (request) => {
        const granted = await store.leaseGrant(BigInt(request.ID), request.TTL);
        if (!granted.ok) return granted;
        const { id, ttlSeconds, revision } = granted.value;
        return header.with(revision, { ID: id.toString(), TTL: ttlSeconds, error: "" });
      },
    ),
    "/etcdserverpb.Lease/LeaseRevoke": unary(
      LeaseRevokeRequest,
      LeaseRevokeResponse,
      async (request) => {
        const revoked = await store.leaseRevoke(BigInt(request.ID));
        return revoked.ok ? header.with(revoked.value.revision, {}) : revoked;
      },
    ),
    "/etcdserverpb.Lease/LeaseTimeToLive": unary(
      LeaseTimeToLiveRequest,
      LeaseTimeToLiveResponse,
      async (request) => {
        const found = await store.leaseTimeToLive(BigInt(request.ID), request.keys);
        if (found.ok) {
          const { id, ttlSeconds, grantedTtlSeconds, keys, revision } = found.value;
          return header.with(revision, {
            ID: id.toString(),
            TTL: ttlSeconds,
            grantedTTL: grantedTtlSeconds,
            keys: keys.map((key) => Buffer.from(key, "latin1")),
          });
        }
        if (found.fault.code !== "E_LEASE_NOT_FOUND") return found;
        const gone = { ID: request.ID, TTL: -1, grantedTTL: 0, keys: [] };
        return header.with(store.revision(), gone);
      },
    ),
    "/etcdserverpb.Lease/LeaseLeases": unary(LeaseLeasesRequest, LeaseLeasesResponse, async () => {
      const listed = await store.leases();
      if (!listed.ok) return listed;
      const leases = listed.value.ids.map((id) => ({ ID: id.toString() }));
      return header.with(listed.value.revision, { leases });
    }),
    "/etcdserverpb.Lease/LeaseKeepAlive": {
      kind: "stream",
      open: (call) => new KeepAliveStream(call, parts),
    },
  };
}

/** Each request is a renewal; each is answered, 0 seconds meaning that the lease is gone. */
class KeepAliveStream implements StreamListener {
  readonly #call: StreamCall;
  readonly #parts: LeaseServiceParts;
  #pending = 0;
  #halfClosed = false;

  constructor(call: StreamCall, parts: LeaseServiceParts) {
    this.#call = call;
    this.#parts = parts;
  }

  message(bytes: Buffer): void {
    if (this.#call.metadata("hasleader") === "true" && !this.#parts.hasLeader()) {
      this.#call.fail(noLeaderKnown);
    } else if (this.#pending >= maxPendingRenewals) {
      this.#call.fail(grpcFailure("resourceExhausted", "etcdserver: too many requests"));
    } else {
      this.#pending++;
      void this.#renew(LeaseKeepAliveRequest.decode(bytes).ID);
    }
  }

  halfClosed(): void {
    this.#halfClosed = true;
    this.#endWhenDone();
  }

  drained(): void {
    // Answers are small, and no more than the renewals that are under way.
  }

  closed(): void {
    this.#halfClosed = false;
  }

  async #renew(id: string): Promise<void> {
    const { store, header } = this.#parts;
    const renewed = await store.leaseKeepAlive(BigInt(id));
    this.#pending--;
    if (!renewed.ok && renewed.fault.code !== "E_LEASE_NOT_FOUND") {
      this.#call.fail(etcdFailure(renewed.fault));
      return;
    }
    const { revision, ttlSeconds } = renewed.ok
      ? renewed.value
      : { revision: store.revision(), ttlSeconds: 0 };
    const { value } = header.with(revision, { ID: id, TTL: ttlSeconds });
    this.#call.send(LeaseKeepAliveResponse.encode(value).finish());
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    if (this.#halfClosed && this.#pending === 0) this.#call.end();
  }
}
