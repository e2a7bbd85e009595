/** One whole member that serves keys: log and store on disk, the driver, the gRPC face. */

import { join } from "node:path";
import { type NodeId, silentLogger } from "../../src/base/index.ts";
import { defaultRaftOptions, type Member } from "../../src/consensus/index.ts";
import { openMember } from "../../src/node/consensus/open-member.ts";
import { EtcdFace } from "../../src/node/kv/etcd-face.ts";
import { memberAgreement } from "../../src/node/kv/member-agreement.ts";
import { openNodeStore } from "../../src/node/kv/node-store.ts";
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
  const store = await openNodeStore(options.folder, parts);
  if (!store.ok) throw new Error(store.fault.message);
  const { machine, serial } = store.value;
  const member = await openMember(
    { ...parts, stateMachine: serial, answer: (question) => face.answer(question) },
    {
      folder: join(options.folder, "raft"),
      id: options.id as NodeId,
      clusterId: "kv",
      mayCreate: options.founders !== null,
      founders: options.founders as readonly Member[] | null,
      address: `127.0.0.1:${options.peerPort ?? 1}`,
      listen: options.peerPort === null ? null : { host: "127.0.0.1", port: options.peerPort },
      security: { credentials: null, insecure: false },
      raft: defaultRaftOptions,
    },
  );
  if (!member.ok) throw new Error(member.fault.message);
  const { node } = member.value;
  const face: EtcdFace = new EtcdFace(
    {
      ...parts,
      agreement: memberAgreement(() => node, member.value.askLeader),
      machine,
      serial,
      metrics: { grpcEnded() {}, grpcRejected() {}, grpcOpen() {} },
    },
    {
      nodeId: options.id,
      clusterId: () => "kv",
      maxRequestBytes: 1.5 * 1024 * 1024,
      server: {
        listen: { host: "127.0.0.1", port: options.clientPort },
        maxConnections: 1_024,
        insecure: false,
      },
    },
  );
  const listening = await face.start();
  if (!listening.ok) throw new Error(listening.fault.message);
  return {
    face,
    node,
    machine,
    endpoint: `127.0.0.1:${listening.value.port}`,
    async stop() {
      await face.stop();
      await member.value.stop();
      await store.value.stop();
    },
  };
}
