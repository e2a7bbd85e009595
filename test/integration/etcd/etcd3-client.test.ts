/** The npm client etcd3, unchanged, against a real etcd and against a member of ours. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Etcd3 } from "etcd3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKvNode } from "../../support/kv-node.ts";
import { missingEtcd, startEtcd } from "./etcd-process.ts";

interface Server {
  readonly endpoint: string;
  stop(): Promise<void>;
}

const servers: readonly (readonly [string, string | null, (folder: string) => Promise<Server>])[] =
  [
    ["etcd", missingEtcd(), startEtcd],
    [
      "meshmend",
      null,
      (folder) =>
        startKvNode({
          folder,
          id: "a",
          peerPort: null,
          clientPort: 0,
          founders: [{ id: "a", address: "127.0.0.1:1" }],
        }),
    ],
  ];

describe.each(servers)("etcd3 with %s", (_, missing, start) => {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-etcd3-"));
  let server: Server;
  let client: Etcd3;

  beforeAll(async () => {
    if (missing !== null) return;
    server = await start(folder);
    client = new Etcd3({ hosts: `http://${server.endpoint}` });
  });
  afterAll(async () => {
    client?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const claim = (words: string, prove: () => Promise<void>) =>
    it(words, async (context) => {
      if (missing !== null) context.skip(missing);
      await prove();
    });

  claim("puts, gets, counts and deletes", async () => {
    await client.put("a/1").value("one");
    await client.put("a/2").value("two");
    expect(await client.get("a/1").string()).toBe("one");
    expect(await client.get("none").string()).toBeNull();
    expect(await client.getAll().prefix("a/").strings()).toEqual({ "a/1": "one", "a/2": "two" });
    expect(await client.getAll().prefix("a/").count()).toBe(2);
    expect((await client.delete().prefix("a/")).deleted).toBe("2");
  });

  claim("swaps when a comparison holds", async () => {
    await client.put("swap").value("before");
    const swapped = await client
      .if("swap", "Value", "==", "before")
      .then(client.put("swap").value("after"))
      .else(client.get("swap"))
      .commit();
    expect(swapped.succeeded).toBe(true);
    expect(await client.get("swap").string()).toBe("after");
  });

  claim("watches", async () => {
    const watcher = await client.watch().prefix("w/").create();
    const seen: string[] = [];
    watcher.on("put", ({ key, value }) => void seen.push(`put ${key} ${value}`));
    watcher.on("delete", ({ key }) => void seen.push(`delete ${key}`));
    await client.put("w/1").value("x");
    await client.delete().key("w/1");
    await expect.poll(() => seen).toEqual(["put w/1 x", "delete w/1"]);
    await watcher.cancel();
  });

  claim("keeps a lease alive, and gives it back", async () => {
    const lease = client.lease(2);
    await lease.put("leased").value("x");
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    expect(await client.get("leased").string()).toBe("x");
    await lease.revoke();
    expect(await client.get("leased").string()).toBeNull();
  });

  claim("locks, one at a time", async () => {
    const lock = await client.lock("mutex").ttl(5).acquire();
    await expect(client.lock("mutex").ttl(5).acquire()).rejects.toThrow();
    await lock.release();
    await (await client.lock("mutex").ttl(5).acquire()).release();
  });

  claim("elects a leader", async () => {
    const election = client.election("chair", 5);
    const campaign = election.campaign("me");
    await new Promise((resolve) => campaign.once("elected", () => resolve(undefined)));
    expect(await election.leader()).toBe("me");
    await campaign.resign();
  });

  claim("tells of the server", async () => {
    expect((await client.maintenance.status()).leader).not.toBe("0");
    expect((await client.cluster.memberList({ linearizable: true })).members.length).toBe(1);
    expect(Number((await client.maintenance.hash()).hash)).toBeGreaterThan(0);
  });

  claim("is told what was wrong, in a kind of error it knows", async () => {
    await expect(client.put("x").value("1").lease("1234")).rejects.toThrow("lease not found");
    await expect(client.kv.range({ key: Buffer.from("x"), revision: "99999" })).rejects.toThrow(
      "required revision is a future revision",
    );
  });
});
