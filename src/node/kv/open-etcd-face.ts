/**
 * Puts the etcd v3 face on a running member: the agreed store behind the API behind the gRPC server.
 */

import {
  type EtcdApiOptions,
  etcdApiDefaults,
  etcdMethods,
  messageOverheadBytes,
} from "../../api/etcd/index.ts";
import { type GrpcMetrics, GrpcServer, type GrpcServerOptions } from "../../api/grpc/index.ts";
import {
  type Clock,
  type Fault,
  failed,
  type HealthSource,
  type Logger,
  ok,
  type Random,
  type Result,
} from "../../base/index.ts";
import type { KvStateMachine } from "../../kvstore/index.ts";
import type { Agreement } from "./agreement.ts";
import { GroupMembers } from "./group-members.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { idOfName } from "./member-ids.ts";
import { ReplicatedStore } from "./replicated-store.ts";
import type { SerialMachine } from "./serial-machine.ts";
import { Standing } from "./standing.ts";
import { StoreUpkeep } from "./store-upkeep.ts";

export interface EtcdFaceParts {
  readonly agreement: Agreement;
  readonly machine: KvStateMachine;
  /** The same store, as the driver has it. */
  readonly serial: SerialMachine;
  readonly metrics: GrpcMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EtcdFaceOptions {
  readonly nodeId: string;
  readonly clusterId: string;
  readonly server: Omit<GrpcServerOptions, "maxMessageBytes">;
  readonly api?: Partial<EtcdApiOptions>;
}

export interface EtcdFace {
  readonly address: { readonly host: string; readonly port: number };
  readonly store: ReplicatedStore;
  readonly health: HealthSource;
  /** Before the driver stops. Never throws. */
  stop(): Promise<void>;
}

/** The version of etcd's API that is spoken. */
const apiVersion = "3.5.0";
const lookAtDiskEveryMs = 5_000;

/** Faults: those of listening. */
export async function openEtcdFace(
  parts: EtcdFaceParts,
  options: EtcdFaceOptions,
): Promise<Result<EtcdFace, Fault>> {
  const { agreement, machine, serial, clock, random, logger, metrics } = parts;
  const standing = new Standing({ agreement, machine });
  const leases = new LeaseKeeper({ agreement, machine, standing, clock, logger });
  const defragment = (signal: AbortSignal) => serial.defragment(signal);
  const store = new ReplicatedStore({ agreement, machine, standing, leases, random, defragment });
  const upkeep = new StoreUpkeep({ agreement, machine, defragment });
  const disk = new DiskGauge({ machine, clock });
  let address: { readonly host: string; readonly port: number } | null = null;
  const members = new GroupMembers(
    {
      agreement,
      standing,
      clientAddress: () => (address === null ? null : `${address.host}:${address.port}`),
      diskBytes: () => disk.bytes,
    },
    { apiVersion },
  );
  const api = { ...etcdApiDefaults, ...options.api };
  const identity = { clusterId: idOfName(options.clusterId), memberId: idOfName(options.nodeId) };
  const methods = etcdMethods({ store, members, upkeep, logger }, { ...api, identity });
  const server = new GrpcServer(
    { methods, metrics, clock, logger },
    { ...options.server, maxMessageBytes: api.maxRequestBytes + messageOverheadBytes },
  );
  const started = await server.start();
  if (!started.ok) return failed(started.fault);
  address = started.value;
  leases.start();
  disk.start();
  return ok({
    address,
    store,
    health: server,
    async stop() {
      await server.stop();
      store.stop();
      upkeep.stop();
      disk.stop();
      await leases.stop();
    },
  });
}

/** What the store takes on disk, looked up now and then: a status must not wait for the disk. */
class DiskGauge {
  readonly #parts: { readonly machine: KvStateMachine; readonly clock: Clock };
  readonly #life = new AbortController();
  bytes = 0;

  constructor(parts: { readonly machine: KvStateMachine; readonly clock: Clock }) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#life.abort();
  }

  async #run(): Promise<void> {
    const { machine, clock } = this.#parts;
    while (!this.#life.signal.aborted) {
      this.bytes = await machine.diskBytes();
      await clock.sleep(lookAtDiskEveryMs, this.#life.signal);
    }
  }
}
