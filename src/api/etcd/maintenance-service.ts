/** `etcdserverpb.Maintenance`: looking after the store of the member that is asked. */

import { createHash } from "node:crypto";
import { failed, fault, type Logger, messageOf, ok } from "../../base/index.ts";
import {
  AlarmRequest,
  AlarmResponse,
  DefragmentRequest,
  DefragmentResponse,
  DowngradeRequest,
  DowngradeResponse,
  HashKVRequest,
  HashKVResponse,
  HashRequest,
  HashResponse,
  MoveLeaderRequest,
  MoveLeaderResponse,
  SnapshotResponse,
  StatusRequest,
  StatusResponse,
} from "../../wire/etcd/rpc.ts";
import { grpcFailure } from "../grpc/grpc-status.ts";
import type { Methods, StreamCall, StreamListener } from "../grpc/method.ts";
import type { Alarm, AlarmType, MembersPort, UpkeepPort } from "../member-port.ts";
import type { StorePort } from "../store-port.ts";
import type { ReplyHeader } from "./reply-header.ts";
import { padded } from "./snapshot-padding.ts";
import { unary } from "./unary.ts";

export interface MaintenanceParts {
  readonly store: Pick<StorePort, "revision">;
  readonly members: MembersPort;
  readonly upkeep: UpkeepPort;
  readonly header: ReplyHeader;
  readonly logger: Logger;
}

const alarmTypes: readonly (AlarmType | null)[] = [null, "no-space", "corrupt"];
const alarmActions: readonly string[] = ["get", "activate", "deactivate"];

export function maintenanceMethods(parts: MaintenanceParts): Methods {
  const { store, members, upkeep, header } = parts;
  return {
    "/etcdserverpb.Maintenance/Alarm": unary(AlarmRequest, AlarmResponse, async (request) => {
      const listed = await alarm(upkeep, request);
      if (!listed.ok) return listed;
      return header.with(store.revision(), { alarms: listed.value.map(alarmOnTheWire) });
    }),
    "/etcdserverpb.Maintenance/Status": unary(StatusRequest, StatusResponse, async () => {
      const status = members.status();
      return header.with(store.revision(), {
        version: status.version,
        dbSize: status.storeBytes,
        dbSizeInUse: status.storeBytesInUse,
        leader: status.leaderId.toString(),
        raftIndex: status.commitIndex,
        raftAppliedIndex: status.appliedIndex,
        raftTerm: status.term,
        errors: [...status.errors],
        isLearner: status.isLearner,
      });
    }),
    "/etcdserverpb.Maintenance/Defragment": unary(
      DefragmentRequest,
      DefragmentResponse,
      async () => {
        const done = await upkeep.defragment();
        return done.ok ? header.with(store.revision(), {}) : done;
      },
    ),
    "/etcdserverpb.Maintenance/Hash": unary(HashRequest, HashResponse, async () => {
      const hashed = await upkeep.hash(0);
      if (!hashed.ok) return hashed;
      return header.with(hashed.value.revision, { hash: hashed.value.hash });
    }),
    "/etcdserverpb.Maintenance/HashKV": unary(HashKVRequest, HashKVResponse, async (request) => {
      const hashed = await upkeep.hash(request.revision);
      if (!hashed.ok) return hashed;
      const { hash, compactRevision } = hashed.value;
      return header.with(store.revision(), { hash, compactRevision });
    }),
    "/etcdserverpb.Maintenance/MoveLeader": unary(
      MoveLeaderRequest,
      MoveLeaderResponse,
      async ({ targetID }) => {
        const moved = await members.moveLeader(BigInt(targetID));
        return moved.ok ? header.with(store.revision(), {}) : moved;
      },
    ),
    "/etcdserverpb.Maintenance/Downgrade": unary(DowngradeRequest, DowngradeResponse, async () =>
      failed(fault("E_NOT_SERVED", "versions are those of meshmend: there is no downgrade")),
    ),
    "/etcdserverpb.Maintenance/Snapshot": {
      kind: "stream",
      open: (call) => new SnapshotStream(call, parts),
    },
  };
}

async function alarm(upkeep: UpkeepPort, request: AlarmRequest) {
  const action = alarmActions[request.action] ?? "get";
  const type = alarmTypes[request.alarm] ?? null;
  const memberId = BigInt(request.memberID);
  const about = (one: Alarm) =>
    (type === null || one.type === type) && (memberId === 0n || one.memberId === memberId);
  if (action === "get") return ok(upkeep.alarms().filter(about));
  if (action === "activate") {
    if (type === null) return ok([]);
    const active = await upkeep.setAlarm({ type, memberId }, true);
    return active.ok ? ok(active.value.filter(about)) : active;
  }
  // As etcd: what was active and is not any more.
  const silenced = upkeep.alarms().filter(about);
  for (const one of silenced) {
    const left = await upkeep.setAlarm(one, false);
    if (!left.ok) return left;
  }
  return ok(silenced);
}

const alarmOnTheWire = (one: Alarm) => ({
  memberID: one.memberId.toString(),
  alarm: one.type === "no-space" ? (1 as const) : (2 as const),
});

/**
 * The state in pieces, at the pace the client takes them, and its SHA-256 at the end as etcd's
 * clients expect it. How much is still to come is not known in advance: `remaining_bytes` stays 0.
 */
class SnapshotStream implements StreamListener {
  readonly #call: StreamCall;
  readonly #parts: MaintenanceParts;
  readonly #life = new AbortController();
  #begun = false;
  #drained: (() => void) | null = null;

  constructor(call: StreamCall, parts: MaintenanceParts) {
    this.#call = call;
    this.#parts = parts;
  }

  message(): void {
    if (this.#begun) return;
    this.#begun = true;
    void this.#send();
  }

  halfClosed(): void {
    if (!this.#begun) this.#call.fail(grpcFailure("internal", "no request came"));
  }

  drained(): void {
    this.#drained?.();
  }

  closed(): void {
    this.#life.abort();
    this.#drained?.();
  }

  async #send(): Promise<void> {
    const { upkeep, header, logger } = this.#parts;
    const { signal } = this.#life;
    try {
      const { revision, chunks } = upkeep.snapshot(signal);
      const hash = createHash("sha256");
      for await (const blob of padded(chunks)) {
        hash.update(blob);
        await this.#sendBlob(header, revision, blob);
        if (signal.aborted) return;
      }
      await this.#sendBlob(header, revision, hash.digest());
      this.#call.end();
    } catch (thrown) {
      if (signal.aborted) return;
      logger.warn("a snapshot broke off", { error: messageOf(thrown) });
      this.#call.fail(grpcFailure("unknown", `the snapshot broke off: ${messageOf(thrown)}`));
    }
  }

  async #sendBlob(header: ReplyHeader, revision: number, blob: Uint8Array): Promise<void> {
    const { value } = header.with(revision, { remainingBytes: 0, blob });
    if (this.#call.send(SnapshotResponse.encode(value).finish())) return;
    if (this.#life.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    this.#drained = null;
  }
}
