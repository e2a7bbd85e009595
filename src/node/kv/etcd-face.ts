/**
 * Puts the etcd v3 face on a running member: the agreed store behind the API behind the gRPC server.
 */

import { etcdApiDefaults, etcdMethods, messageOverheadBytes } from "../../api/etcd/index.ts";
import { type GrpcMetrics, GrpcServer, type GrpcServerOptions } from "../../api/grpc/index.ts";
import type {
  Clock,
  Fault,
  Health,
  HealthSource,
  Logger,
  Random,
  Result,
} from "../../base/index.ts";
import { type HostPort, writeHostPort } from "../../config/index.ts";
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
  /** Null until this node is in a group. */
  readonly clusterId: () => string | null;
  /** What a request that changes something may weigh. */
  readonly maxRequestBytes: number;
  readonly server: Omit<GrpcServerOptions, "maxMessageBytes">;
}

/** The version of etcd's API that is spoken. */
const apiVersion = "3.5.0";
const lookAtDiskEveryMs = 5_000;

export class EtcdFace implements HealthSource {
  readonly component = "grpc";
  readonly store: ReplicatedStore;
  readonly #server: GrpcServer;
  readonly #leases: LeaseKeeper;
  readonly #upkeep: StoreUpkeep;
  readonly #disk: DiskGauge;
  #address: HostPort | null = null;

  constructor(parts: EtcdFaceParts, options: EtcdFaceOptions) {
    const { agreement, machine, serial, clock, random, logger, metrics } = parts;
    const standing = new Standing({ agreement, machine });
    const defragment = (signal: AbortSignal) => serial.defragment(signal);
    const leases = new LeaseKeeper({ agreement, machine, standing, clock, logger });
    this.store = new ReplicatedStore({ agreement, machine, standing, leases, random, defragment });
    this.#leases = leases;
    this.#upkeep = new StoreUpkeep({ agreement, machine, defragment });
    this.#disk = new DiskGauge({ machine, clock });
    const members = new GroupMembers(
      {
        agreement,
        standing,
        clientAddress: () => (this.#address === null ? null : writeHostPort(this.#address)),
        diskBytes: () => this.#disk.bytes,
      },
      { apiVersion },
    );
    const memberId = idOfName(options.nodeId);
    let known = { name: null as string | null, identity: { clusterId: 0n, memberId } };
    const identity = () => {
      const name = options.clusterId();
      // Asked for every reply; a node's group is another once at most.
      if (name !== null && name !== known.name) {
        known = { name, identity: { clusterId: idOfName(name), memberId } };
      }
      return known.identity;
    };
    const methods = etcdMethods(
      { store: this.store, members, upkeep: this.#upkeep, identity, logger },
      { ...etcdApiDefaults, maxRequestBytes: options.maxRequestBytes },
    );
    const maxMessageBytes = options.maxRequestBytes + messageOverheadBytes;
    this.#server = new GrpcServer(
      { methods, metrics, clock, logger },
      { ...options.server, maxMessageBytes },
    );
  }

  /** Faults: those of listening. */
  async start(): Promise<Result<HostPort, Fault>> {
    const started = await this.#server.start();
    if (!started.ok) return started;
    this.#address = started.value;
    this.#leases.start();
    this.#disk.start();
    return started;
  }

  /** What followers ask this member while it leads. */
  answer(question: Uint8Array): Promise<Result<Uint8Array>> {
    return this.#leases.answer(question);
  }

  health(): Health {
    return this.#server.health();
  }

  /** Before the driver stops. Never throws. */
  async stop(): Promise<void> {
    await this.#server.stop();
    this.store.stop();
    this.#upkeep.stop();
    this.#disk.stop();
    await this.#leases.stop();
  }
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
