/** One whole member that serves keys: log and store on disk, the driver, the gRPC face. */

import { join } from "node:path";
import { type NodeId, silentLogger } from "../../src/base/index.ts";
import { defaultRaftOptions, type Member } from "../../src/consensus/index.ts";
import { defaultKvOptions, KvStateMachine } from "../../src/kvstore/index.ts";
import { openLevelStorage } from "../../src/kvstore/io/index.ts";
import { openMember } from "../../src/node/consensus/open-member.ts";
import { openEtcdFace } from "../../src/node/kv/open-etcd-face.ts";
import { SerialMachine } from "../../src/node/kv/serial-machine.ts";
import { systemRandom } from "../../src/node/system-random.ts";
import { realClock } from "./real-clock.ts";

export interface KvNodeOptions {
  readonly folder: string;
  readonly id: string;
  /** Null: alone. */
  readonly peerPort: number | null;
  readonly clientPort: number;
  /** Of a new group; null after the first start. */
  readonly founders: readonly { readonly id: string; readonly address: string }[] | null;
}

export type KvNode = Awaited<ReturnType<typeof startKvNode>>;

export async function startKvNode(options: KvNodeOptions) {
  const parts = { clock: realClock, random: systemRandom, logger: silentLogger };
  const storage = await openLevelStorage(join(options.folder, "kv"));
  if (!storage.ok) throw new Error(storage.fault.message);
  const machine = new KvStateMachine({ ...parts, storage: storage.value }, defaultKvOptions);
  const read = await machine.start();
  if (!read.ok) throw new Error(read.fault.message);
  const serial = new SerialMachine({ machine });
  const member = await openMember(
    { ...parts, stateMachine: serial },
    {
      folder: join(options.folder, "raft"),
      id: options.id as NodeId,
      clusterId: "kv",
      mayCreate: options.founders !== null,
      founders: options.founders as readonly Member[] | null,
      listen: options.peerPort === null ? null : { host: "127.0.0.1", port: options.peerPort },
      security: { credentials: null, insecure: false },
      raft: defaultRaftOptions,
    },
  );
  if (!member.ok) throw new Error(member.fault.message);
  const { node } = member.value;
  const face = await openEtcdFace(
    {
      ...parts,
      agreement: node,
      machine,
      serial,
      metrics: { grpcEnded() {}, grpcRejected() {}, grpcOpen() {} },
    },
    {
      nodeId: options.id,
      clusterId: "kv",
      server: {
        listen: { host: "127.0.0.1", port: options.clientPort },
        maxConnections: 1_024,
        insecure: false,
      },
    },
  );
  if (!face.ok) throw new Error(face.fault.message);
  return {
    face: face.value,
    node,
    machine,
    endpoint: `127.0.0.1:${face.value.address.port}`,
    async stop() {
      await face.value.stop();
      await member.value.stop();
      await machine.stop();
      await storage.value.stop();
    },
  };
}
