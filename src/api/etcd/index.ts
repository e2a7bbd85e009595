/** etcd's v3 API as methods for the gRPC server, on any store that fits the ports. */

import type { Logger } from "../../base/index.ts";
import type { Methods } from "../grpc/method.ts";
import type { MembersPort, UpkeepPort } from "../member-port.ts";
import type { StorePort } from "../store-port.ts";
import { authMethods } from "./auth-service.ts";
import { clusterMethods } from "./cluster-service.ts";
import { healthMethods } from "./health-method.ts";
import { HeaderWriter } from "./kv-encoding.ts";
import { kvMethods } from "./kv-service.ts";
import { kvStreamMethod } from "./kv-stream.ts";
import { leaseMethods } from "./lease-service.ts";
import { maintenanceMethods } from "./maintenance-service.ts";
import { type Identity, ReplyHeader } from "./reply-header.ts";
import { type WatchServiceOptions, watchMethod } from "./watch-stream.ts";

export interface EtcdApiParts {
  readonly store: StorePort;
  readonly members: MembersPort;
  readonly upkeep: UpkeepPort;
  /** Which group and which member answers; asked anew, as a node may join one later. */
  readonly identity: () => Identity;
  readonly logger: Logger;
}

export interface EtcdApiOptions extends WatchServiceOptions {
  readonly maxRequestBytes: number;
}

/** Requests as large as etcd takes them. */
export const etcdApiDefaults = {
  maxRequestBytes: 1.5 * 1024 * 1024,
  maxWatches: 20_000,
} as const;

/** What etcd reads above `maxRequestBytes`, so that it can refuse in its own words. */
export const messageOverheadBytes = 512 * 1024;

export function etcdMethods(parts: EtcdApiParts, options: EtcdApiOptions): Methods {
  const { store, members, upkeep, identity, logger } = parts;
  const term = () => store.term();
  const writer = new HeaderWriter(identity, term);
  const header = new ReplyHeader(identity, term);
  const hasLeader = () => members.status().leaderId !== 0n;
  const kv = kvMethods({ store, header: writer, hasLeader }, options);
  const lease = leaseMethods({ store, header, hasLeader });
  return {
    ...kv,
    ...lease,
    "/meshmend.kv.v1.KVService/Stream": kvStreamMethod({ ...kv, ...lease }, logger),
    "/etcdserverpb.Watch/Watch": watchMethod({ store, header: writer, hasLeader, logger }, options),
    ...clusterMethods({ members, header }),
    ...maintenanceMethods({ store, members, upkeep, header, logger }),
    ...authMethods(header),
    ...healthMethods(hasLeader),
  };
}
