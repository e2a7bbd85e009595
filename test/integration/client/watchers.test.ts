/** Many watches, and one whose client does not read: the others do not notice. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { etcdApiDefaults } from "../../../src/api/etcd/index.ts";
import { KvClient, oneKey, putRequest, watchRequest } from "../../../src/client/index.ts";
import { type KvNode, startKvNode } from "../../support/kv-node.ts";

let folder = "";
let node: KvNode;
let client: KvClient;
let life: AbortController;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "meshmend-watchers-"));
  const founders = [{ id: "a", address: "127.0.0.1:1" }];
  node = await startKvNode({ folder, id: "a", peerPort: null, clientPort: 0, founders });
  client = await connected();
  life = new AbortController();
});
afterEach(async () => {
  life.abort();
  client.close();
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function connected(): Promise<KvClient> {
  const made = await KvClient.connect({ address: node.endpoint, maxInFlight: 10_000 });
  if (!made.ok) throw new Error(made.fault.message);
  return made.value;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const create = (key: string) =>
  ({
    requestUnion: { $case: "createRequest", value: watchRequest(oneKey(bytes(key))) },
  }) as const;
const put = (key: string, value: Uint8Array) => client.put(putRequest(bytes(key), value));

describe("watches", () => {
  it("are told once each, ten thousand of them on one stream", async () => {
    const count = 10_000;
    const watch = client.watch(life.signal);
    for (let i = 0; i < count; i++) watch.send(create(`k${i % 100}`));
    const told = new Map<number, number>();
    let [created, events] = [0, 0];
    for await (const reply of watch.replies()) {
      if (!reply.ok) throw new Error(reply.fault.message);
      if (reply.value.created) created++;
      if (reply.value.created && created === count) {
        for (let i = 0; i < 100; i++) expect((await put(`k${i}`, bytes("v"))).ok).toBe(true);
      }
      for (const _ of reply.value.events) {
        events++;
        told.set(reply.value.watchId, (told.get(reply.value.watchId) ?? 0) + 1);
      }
      if (events === count) break;
    }
    expect(told.size).toBe(count);
    expect(node.machine.status().watchers).toBe(count);
  });

  it("are refused beyond the limit, and those there are go on", async () => {
    const watch = client.watch(life.signal);
    for (let i = 0; i <= etcdApiDefaults.maxWatches; i++) watch.send(create("shared"));
    let refused = 0;
    let created = 0;
    for await (const reply of watch.replies()) {
      if (!reply.ok) throw new Error(reply.fault.message);
      if (!reply.value.created) continue;
      created++;
      if (reply.value.canceled) {
        refused++;
        expect(reply.value.cancelReason).toBe("etcdserver: too many requests");
      }
      if (created > etcdApiDefaults.maxWatches) break;
    }
    expect(refused).toBe(1);
    expect((await put("another", bytes("v"))).ok).toBe(true);
  });

  it("cost little while their client does not read, and then tell everything in order", async () => {
    const silent = await connected();
    const watch = silent.watch(life.signal);
    watch.send(create("busy"));
    const watchers = () => node.machine.status().watchers;
    await expect.poll(watchers, { timeout: 10_000 }).toBe(1);
    const [puts, valueBytes] = [1_000, 20_000];
    for (let i = 0; i < puts; i += 100) {
      const batch = Array.from({ length: 100 }, (_, j) => {
        const value = new Uint8Array(valueBytes);
        new DataView(value.buffer).setUint32(0, i + j);
        return put("busy", value);
      });
      expect((await Promise.all(batch)).every(({ ok }) => ok)).toBe(true);
    }
    // It reads from the disk what memory does not keep any more.
    expect(node.machine.status().slowWatchers).toBe(1);
    const seen: number[] = [];
    for await (const reply of watch.replies()) {
      if (!reply.ok) throw new Error(reply.fault.message);
      for (const { kv } of reply.value.events) {
        const { buffer, byteOffset } = kv?.value ?? new Uint8Array(4);
        seen.push(new DataView(buffer, byteOffset).getUint32(0));
      }
      if (seen.length >= puts) break;
    }
    silent.close();
    expect(seen).toEqual(Array.from({ length: puts }, (_, i) => i));
  });
});
