/**
 * Daemons on one link find each other, and notice who goes. A plain interface stands for the mesh's: what
 * is discovered does not depend on batman-adv, which only says who of them is an originator.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from "vitest";
import type { PeersAnswer } from "../../../src/cli/answers.ts";
import { type BridgedNamespaces, openBridgedNamespaces } from "../support/bridged-namespaces.ts";
import { type Daemon, eventually, startDaemon, temporaryDataDir } from "../support/daemon.ts";
import { namespaceProblem } from "../support/network-namespace.ts";

const problem = namespaceProblem();
/** Three of these without a word, and a peer is gone: a busy machine must not take so long. */
const announceMs = 2_000;
const hostile = join(import.meta.dirname, "hostile-mdns.ts");

let link: BridgedNamespaces | null = null;
const running: { readonly daemon: Daemon; remove(): void }[] = [];

beforeAll(async () => {
  if (problem === null) link = await openBridgedNamespaces(4);
});

afterAll(async () => {
  await link?.close();
});

afterEach(async () => {
  for (const { daemon, remove } of running.splice(0)) {
    await daemon.kill("SIGKILL");
    remove();
  }
});

function nodesOf(ctx: TestContext) {
  if (link === null) return ctx.skip(problem ?? "no namespaces");
  return link.nodes;
}

async function start(
  nodes: BridgedNamespaces["nodes"],
  index: number,
  environment: Readonly<Record<string, string>> = {},
  listensForOthers = false,
): Promise<Daemon> {
  const namespace = nodes[index];
  if (namespace === undefined) throw new Error(`no namespace ${index}`);
  const dataDir = temporaryDataDir();
  const daemon = await startDaemon(namespace, {
    dataDir: dataDir.path,
    listensForOthers,
    environment: {
      MESHMEND_NODE_ID: `node-${index}`,
      MESHMEND_MESH: "mesh0",
      MESHMEND_MESH_DISCOVERY_MDNS: "on",
      MESHMEND_MESH_DISCOVERY_ANNOUNCE: `${announceMs}ms`,
      ...environment,
    },
  });
  running.push({ daemon, remove: dataDir.remove });
  return daemon;
}

const peersOf = (daemon: Daemon) => daemon.get<PeersAnswer>("/api/v1/mesh/peers");
const namesOf = (daemon: Daemon) => peersOf(daemon).peers.map(({ nodeId }) => nodeId);
const seenBy =
  (daemon: Daemon, ...names: readonly string[]) =>
  () =>
    namesOf(daemon).join() === names.join();

describe("three daemons on one link", () => {
  it("find each other within ten seconds, and tell stopping from dying", async (ctx) => {
    const nodes = nodesOf(ctx);
    const [one, two, three] = await Promise.all([0, 1, 2].map((index) => start(nodes, index)));
    if (one === undefined || two === undefined || three === undefined) throw new Error("not there");
    const all = [one, two, three];
    const told = () => all.map((each) => JSON.stringify(peersOf(each))).join("\n");
    for (const [index, daemon] of all.entries()) {
      const others = ["node-0", "node-1", "node-2"].filter((name) => name !== `node-${index}`);
      await eventually(`node ${index} sees the others`, 10_000, seenBy(daemon, ...others), told);
    }
    const found = peersOf(one).peers[0];
    expect(found?.sources).toEqual(["mdns"]);
    const addresses = found?.addresses.map(({ address }) => address).toSorted();
    expect(addresses?.[0]).toBe("10.77.0.2");
    expect(addresses?.[1]).toMatch(/^fe80::.*%mesh0$/);
    expect(peersOf(one).mdnsInterface).toBe("mesh0");
    const metrics = nodes[0]?.exec("curl", "--silent", "http://127.0.0.1:8480/metrics") ?? "";
    expect(metrics).toMatch(/meshmend_mesh_peers\{.*source="mdns".*\} 2/);

    await three.kill("SIGTERM");
    const atMs = performance.now();
    await eventually("who stopped is gone", 5_000, seenBy(one, "node-1"), told);
    await two.kill("SIGKILL");
    expect(namesOf(one)).toEqual(["node-1"]);
    await eventually("who was killed expires", 15_000, seenBy(one), told);
    expect(performance.now() - atMs).toBeGreaterThan(announceMs);

    const appeared = one.events("peer-appeared").map(({ peer }) => peer.nodeId);
    expect(appeared.toSorted()).toEqual(["node-1", "node-2"]);
    const gone = one.events("peer-gone").map(({ peer, reason }) => `${peer.nodeId} ${reason}`);
    expect(gone).toEqual(["node-2 goodbye", "node-1 expired"]);
  });

  it("find each other again when the interface was away", async (ctx) => {
    const nodes = nodesOf(ctx);
    const [one] = await Promise.all([start(nodes, 0), start(nodes, 1)]);
    if (one === undefined) throw new Error("not there");
    await eventually("they see each other", 10_000, seenBy(one, "node-1"));
    const speaksOn = () => peersOf(one).mdnsInterface;
    nodes[0]?.exec("ip", "link", "set", "mesh0", "down");
    try {
      await eventually("the other is gone", 15_000, seenBy(one));
      await eventually("it does not speak any more", 10_000, () => speaksOn() === null);
    } finally {
      nodes[0]?.exec("ip", "link", "set", "mesh0", "up");
    }
    await eventually("the other is back", 15_000, seenBy(one, "node-1"));
  });
});

describe("a daemon that nobody told of a mesh", () => {
  it("opens no multicast DNS socket, though mDNS is on by default", async (ctx) => {
    const nodes = nodesOf(ctx);
    const daemon = await start(nodes, 0, {
      MESHMEND_MESH: "auto",
      MESHMEND_MESH_DISCOVERY_MDNS: "auto",
    });
    await eventually("a few beats", 10_000, () => (daemon.observation()?.beat ?? 0) > 3);
    expect(peersOf(daemon).mdnsInterface).toBeNull();
    expect(nodes[0]?.exec("ss", "-Huan", "sport", "=", ":5353").trim()).toBe("");
  });
});

describe("against a hostile neighbour", () => {
  it("10,000 names and 10,000 packets of garbage stay within bounds", async (ctx) => {
    const nodes = nodesOf(ctx);
    const [one] = await Promise.all([start(nodes, 0), start(nodes, 1)]);
    if (one === undefined) throw new Error("not there");
    await eventually("the honest one is seen", 10_000, seenBy(one, "node-1"));
    const rssKib = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${one.process.pid}/status`, "utf8"))?.[1]);
    const attack = () => nodes[3]?.execNode(hostile, "mesh0", "10.77.0.4", "10000");
    attack();
    const beforeKib = rssKib();
    attack();
    attack();
    const { peers, refused } = peersOf(one);
    expect(peers.length).toBeLessThanOrEqual(1 + 2 * 4);
    await eventually("the honest one is there", 10_000, () => namesOf(one).includes("node-1"));
    expect(refused.noRoom).toBeGreaterThan(1_000);
    expect(refused.malformed).toBeGreaterThan(1_000);
    expect(rssKib() - beforeKib).toBeLessThan(64 * 1_024);
    expect(one.get<{ live: boolean }>("/health/live").live).toBe(true);
  });
});

describe("seeds", () => {
  it("are asked who they are, and who does not answer is shown", async (ctx) => {
    const nodes = nodesOf(ctx);
    const off = { MESHMEND_MESH_DISCOVERY_MDNS: "off" };
    await start(nodes, 1, off, true);
    await start(nodes, 2, off);
    const one = await start(nodes, 0, {
      ...off,
      MESHMEND_MESH_DISCOVERY_SEEDS: "10.77.0.2:8480,10.77.0.3:8480,10.77.0.1:8480",
    });
    const told = () => JSON.stringify(peersOf(one));
    await eventually("node 1 is found", 10_000, seenBy(one, "node-1"), told);
    const { peers, seeds, self } = peersOf(one);
    expect(peers[0]).toMatchObject({ sources: ["seed"], version: self.version });
    expect(peers[0]?.addresses[0]).toMatchObject({ address: "10.77.0.2", httpPort: 8480 });
    // Node 2 answers on loopback only, and nobody listens on node 0's own address.
    await eventually("all seeds were asked", 10_000, () =>
      peersOf(one).seeds.every(({ state }) => state !== "not-asked"),
    );
    expect(seeds.map(({ host }) => host)).toEqual(["10.77.0.2", "10.77.0.3", "10.77.0.1"]);
    expect(peersOf(one).seeds.map(({ state }) => state)).toEqual(["answers", "silent", "silent"]);
  });

  it("that listen for others say by mDNS under which port", async (ctx) => {
    const nodes = nodesOf(ctx);
    await start(nodes, 1, {}, true);
    const one = await start(nodes, 0);
    await eventually("node 1 is found", 10_000, seenBy(one, "node-1"));
    expect(peersOf(one).peers[0]?.addresses[0]?.httpPort).toBe(8480);
  });
});
