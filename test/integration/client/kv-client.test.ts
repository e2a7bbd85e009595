import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KvClient } from "../../../src/client/index.ts";
import { PutRequest, RangeRequest } from "../../../src/wire/etcd/rpc.ts";
import { type KvNode, startKvNode } from "../../support/kv-node.ts";
import { freePort } from "../etcd/etcd-process.ts";

let folder = "";
let node: KvNode;
let client: KvClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "meshmend-client-"));
  const founders = [{ id: "a", address: "127.0.0.1:1" }];
  node = await startKvNode({ folder, id: "a", peerPort: null, clientPort: 0, founders });
  client = await connected(10_000);
});
afterEach(async () => {
  client.close();
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function connected(maxInFlight: number): Promise<KvClient> {
  const made = await KvClient.connect({ address: node.endpoint, maxInFlight });
  if (!made.ok) throw new Error(made.fault.message);
  return made.value;
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const put = (key: string, value: string) =>
  client.put({ ...PutRequest.decode(new Uint8Array(0)), key: bytes(key), value: bytes(value) });
const get = (key: string, more: Partial<RangeRequest> = {}) =>
  client.range({ ...RangeRequest.decode(new Uint8Array(0)), key: bytes(key), ...more });

describe("the client of the stream", () => {
  it("reads what it wrote, and learns the revision", async () => {
    const written = await put("a", "1");
    expect(written.ok && written.value.header?.revision).toBe(2);
    const read = await get("a");
    expect(read.ok && Buffer.from(read.value.kvs[0]?.value ?? []).toString()).toBe("1");
  });

  it("carries thousands of requests at once, each answered once", async () => {
    const written = await Promise.all(Array.from({ length: 3_000 }, (_, i) => put(`k${i}`, "v")));
    const revisions = written.map((one) => (one.ok ? one.value.header?.revision : one.fault.code));
    expect(new Set(revisions).size).toBe(3_000);
    const all = await get("k", { rangeEnd: bytes("l"), countOnly: true });
    expect(all.ok && all.value.count).toBe(3_000);
  });

  it("carries values that fill a message each", async () => {
    const large = "x".repeat(1_000_000);
    const written = await Promise.all([put("l1", large), put("l2", large), put("l3", large)]);
    expect(written.every(({ ok }) => ok)).toBe(true);
    const all = await get("l", { rangeEnd: bytes("m") });
    expect(all.ok && all.value.kvs.map(({ value }) => value.length)).toEqual(
      Array.from({ length: 3 }, () => 1_000_000),
    );
  });

  it("is told what was wrong of one request, and goes on with the others", async () => {
    const [wrong, right] = await Promise.all([put("", "no key"), put("key", "value")]);
    expect(wrong).toMatchObject({
      ok: false,
      fault: { code: "E_CLIENT_REFUSED", message: "etcdserver: key is not provided" },
    });
    expect(right.ok).toBe(true);
  });

  it("does not promise what it cannot know when the server goes", async () => {
    const underWay = put("late", "?");
    client.close();
    expect(await underWay).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
    expect(await put("later", "?")).toMatchObject({ fault: { code: "E_CLIENT_CLOSED" } });
  });

  it("refuses what is more than it may have in flight", async () => {
    client.close();
    client = await connected(1);
    const [first, second] = await Promise.all([put("one", "1"), put("two", "2")]);
    expect(first.ok).toBe(true);
    expect(second).toMatchObject({ fault: { code: "E_OVERLOADED" } });
  });

  it("says when nobody is there", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const made = await KvClient.connect({ address, maxInFlight: 1 });
    expect(made).toMatchObject({ ok: false, fault: { code: "E_CLIENT_UNREACHABLE" } });
  });
});
