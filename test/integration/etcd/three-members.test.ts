/** Three durable members in this process: each serves all of the API, whoever leads. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KvNode, startKvNode } from "../../support/kv-node.ts";
import { freePort, missingEtcd, runEtcdctl, startEtcdctl } from "./etcd-process.ts";

const missing = missingEtcd();
const folder = mkdtempSync(join(tmpdir(), "meshmend-three-"));
let nodes: KvNode[] = [];

beforeAll(async () => {
  if (missing !== null) return;
  const founders = await Promise.all(
    ["a", "b", "c"].map(async (id) => ({ id, address: `127.0.0.1:${await freePort()}` })),
  );
  nodes = await Promise.all(
    founders.map(({ id, address }) =>
      startKvNode({
        folder: join(folder, id),
        id,
        peerPort: Number(address.split(":")[1]),
        clientPort: 0,
        founders,
      }),
    ),
  );
  while (nodes.some(({ node }) => node.status()?.leaderId == null)) await delay(20);
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const leads = ({ node }: KvNode) => node.status()?.role === "leader";
const leader = () => nodes.find(leads) as KvNode;
const follower = () => nodes.find((node) => !leads(node)) as KvNode;
const run = async (at: KvNode, ...args: string[]) => {
  const { code, out, err } = await runEtcdctl(at.endpoint, args);
  if (code !== 0) throw new Error(err);
  return out;
};

describe.skipIf(missing !== null)("a follower", () => {
  it("takes writes, and reads what others wrote a moment ago", async () => {
    await run(follower(), "put", "from", "follower");
    expect(await run(leader(), "get", "from", "--print-value-only")).toBe("follower\n");
    await run(leader(), "put", "from", "leader");
    expect(await run(follower(), "get", "from", "--print-value-only")).toBe("leader\n");
  });

  it("watches what is written elsewhere", async () => {
    const watch = startEtcdctl(follower().endpoint, ["watch", "elsewhere"]);
    await delay(500);
    await run(leader(), "put", "elsewhere", "seen");
    await expect.poll(() => watch.out(), { timeout: 5_000 }).toBe("PUT\nelsewhere\nseen\n");
    watch.interrupt();
    await watch.outcome;
  });

  it("grants leases, keeps them alive, says what is left, and lets them end", async () => {
    const at = follower();
    const id = /lease ([0-9a-f]+)/.exec(await run(at, "lease", "grant", "3"))?.[1] ?? "";
    await run(at, "put", "leased", "x", `--lease=${id}`);
    const keeper = startEtcdctl(at.endpoint, ["lease", "keep-alive", id]);
    await delay(5_000);
    expect(await run(leader(), "get", "leased", "--print-value-only")).toBe("x\n");
    expect(await run(at, "lease", "timetolive", id)).toMatch(
      /granted with TTL\(3s\), remaining\([123]s\)/,
    );
    keeper.interrupt();
    await keeper.outcome;
    await expect.poll(() => run(at, "get", "leased"), { timeout: 10_000, interval: 500 }).toBe("");
    expect(await run(at, "lease", "timetolive", id)).toBe(`lease ${id} already expired\n`);
  });

  it("names the same leader as the others, and hands leadership over through it", async () => {
    const all = nodes.map(({ endpoint }) => endpoint).join(",");
    const status = async () => JSON.parse(await runAll(all)) as { Status: { leader: number } }[];
    const runAll = async (endpoints: string) =>
      (await runEtcdctl(endpoints, ["endpoint", "status", "-w", "json"])).out.replace(
        /:(\d{15,})/g,
        ':"$1"',
      );
    expect(new Set((await status()).map(({ Status }) => Status.leader)).size).toBe(1);
    const [before, target] = [leader(), follower()];
    const members = await run(before, "member", "list");
    const name = target.node.status()?.id ?? "";
    const id =
      members
        .split("\n")
        .find((line) => line.includes(`, ${name}, `))
        ?.split(",")[0] ?? "";
    expect((await runEtcdctl(all, ["move-leader", id])).out).toContain("Leadership transferred");
    await expect.poll(() => leads(target), { timeout: 5_000 }).toBe(true);
    await run(before, "put", "after", "the move");
  });
});

describe.skipIf(missing !== null)("three copies", () => {
  it("have the same hash at the same revision", async () => {
    for (let i = 0; i < 20; i++)
      await run(nodes[i % 3] as KvNode, "put", `key/${i % 7}`, String(i));
    const revision = Math.max(...nodes.map(({ machine }) => machine.revision));
    await expect
      .poll(() => nodes.every(({ machine }) => machine.revision === revision), { timeout: 5_000 })
      .toBe(true);
    const { signal } = new AbortController();
    const hashes = await Promise.all(nodes.map(({ machine }) => machine.hash(revision, signal)));
    expect(new Set(hashes.map((hash) => (hash.ok ? hash.value.hash : "failed"))).size).toBe(1);
  });
});

if (missing !== null) it("three members", (context) => context.skip(missing));
