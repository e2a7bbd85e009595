/** Groups of real daemons: joined, listed, changed and recovered as an operator would. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { eventually, freePort } from "../../support/raft/process-group.ts";

const run = promisify(execFile);
const binary = join(import.meta.dirname, "../../../bin/meshmend");

interface Daemon {
  readonly id: string;
  readonly http: string;
  readonly peer: string;
  readonly dataDir: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  log(): string;
}

interface Cluster {
  readonly clusterId: string;
  readonly phase: string;
  readonly leader: string | null;
  readonly members: readonly { readonly id: string; readonly role: string }[];
}

const folder = () => mkdtempSync(join(tmpdir(), "meshmend-daemons-"));
const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

async function start(
  id: string,
  more: readonly string[] = [],
  kept?: Pick<Daemon, "dataDir" | "peer">,
): Promise<Daemon> {
  const dataDir = kept?.dataDir ?? folder();
  const http = `127.0.0.1:${await freePort()}`;
  const peer = kept?.peer ?? `127.0.0.1:${await freePort()}`;
  const words = ["run", "--node-id", id, "--http", http, "--peer", peer, "--data-dir", dataDir];
  const child = spawn(binary, [...words, "--mesh-interface", "none", ...more], {
    cwd: dataDir,
    env: { ...process.env, MESHMEND_LOG_FORMAT: "json" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      log += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  cleanUps.push(() => {
    child.kill("SIGKILL");
    if (kept === undefined) rmSync(dataDir, { recursive: true, force: true });
  });
  return { id, http, peer, dataDir, child, ended, log: () => log };
}

async function get<Body>({ http }: Daemon, path: string): Promise<Body | null> {
  try {
    return (await (await fetch(`http://${http}${path}`)).json()) as Body;
  } catch {
    // Not listening yet, or any more.
    return null;
  }
}

const cluster = (daemon: Daemon) => get<Cluster>(daemon, "/api/v1/cluster/members");

/** Until this daemon sees exactly these voters. */
async function voters(daemon: Daemon, ...ids: readonly string[]): Promise<Cluster> {
  const wanted = [...ids].sort().join(",");
  return eventually(`${daemon.id} sees ${wanted}`, async () => {
    const seen = await cluster(daemon);
    const found = (seen?.members ?? []).filter(({ role }) => role === "voter").map(({ id }) => id);
    return seen !== null && seen.leader !== null && found.sort().join(",") === wanted && seen;
  });
}

async function cli(...words: readonly string[]) {
  const done = await run(binary, [...words]).catch((failure: unknown) => failure);
  const { stdout, stderr, code = 0 } = done as { stdout: string; stderr: string; code?: number };
  return { stdout, stderr, code };
}

async function consensusHealth(daemon: Daemon) {
  const health = await get<{
    readonly components: readonly {
      readonly component: string;
      readonly state: string;
      readonly reason: string;
      readonly remedy?: string;
    }[];
  }>(daemon, "/health");
  return health?.components.find(({ component }) => component === "consensus");
}

describe("a group of daemons", () => {
  it("grows by --join, hands over, lets a member go, and knows who lost its disk", async () => {
    const one = await start("one");
    await voters(one, "one");
    const two = await start("two", ["--join", one.peer]);
    const three = await start("three", ["--join", `127.0.0.1:1,${one.peer}`]);
    const { clusterId } = await voters(one, "one", "two", "three");
    expect((await voters(three, "one", "two", "three")).clusterId).toBe(clusterId);
    expect((await consensusHealth(two))?.state).toBe("ok");

    const moved = await cli("member", "transfer", "two", "--http", three.http);
    expect(moved.stderr).toBe("");
    await eventually("two leads", async () => (await cluster(three))?.leader === "two");

    const list = await cli("member", "list", "--http", three.http);
    expect(list.stdout).toMatch(/^two +\S+ +voter +leads/m);

    const removed = await cli("member", "remove", "three", "--http", one.http, "--json");
    expect(removed.stderr).toBe("");
    expect(JSON.parse(removed.stdout)).toMatchObject({ clusterId });
    expect(await three.ended).toBe(6);
    expect(three.log()).toContain("the group has removed this node");
    const again = await start("three", [], three);
    expect(await again.ended).toBe(6);
    expect(again.log()).toContain("E_REMOVED");

    const lost = await start("two", ["--join", one.peer]);
    const health = await eventually("it is told", async () => {
      const seen = await consensusHealth(lost);
      return seen?.state === "failed" && seen;
    });
    expect(health.remedy).toContain("meshmend member remove two");
  }, 120_000);

  it("tells a node that was removed while it was down, which then ends with its own exit code", async () => {
    const one = await start("one");
    const two = await start("two", ["--join", one.peer]);
    const three = await start("three", ["--join", one.peer]);
    await voters(three, "one", "two", "three");
    three.child.kill("SIGKILL");
    await three.ended;
    const removed = await cli("member", "remove", "three", "--http", two.http);
    expect(removed.stderr).toBe("");
    await voters(one, "one", "two");
    const back = await start("three", [], three);
    expect(await back.ended).toBe(6);
  });

  it("ignores --join where there is data, and refuses another node id", async () => {
    const one = await start("one");
    await voters(one, "one");
    one.child.kill("SIGTERM");
    expect(await one.ended).toBe(0);
    const renamed = await start("other", [], one);
    expect(await renamed.ended).toBe(2);
    expect(renamed.log()).toContain("E_NODE_ID_CHANGED");
    const again = await start("one", ["--join", "127.0.0.1:1"], one);
    await voters(again, "one");
    expect(again.log()).toContain("--join is ignored");
  });

  it("tells a node that is reached elsewhere after a restart", async () => {
    const one = await start("one");
    const two = await start("two", ["--join", one.peer]);
    await voters(two, "one", "two");
    two.child.kill("SIGTERM");
    await two.ended;
    const peer = `127.0.0.1:${await freePort()}`;
    await start("two", [], { dataDir: two.dataDir, peer });
    await eventually("the group knows", async () => {
      const seen = await get<{ members: readonly { id: string; address: string }[] }>(
        one,
        "/api/v1/cluster/members",
      );
      return seen?.members.some(({ id, address }) => id === "two" && address === peer);
    });
  });
});

describe("one survivor of a lost majority", () => {
  it("goes on alone only when it is said explicitly, as another cluster with its data", async () => {
    const one = await start("one");
    const two = await start("two", ["--join", one.peer]);
    const before = await voters(one, "one", "two");
    two.child.kill("SIGKILL");
    const recover = ["cluster", "recover", "--node-id", "one", "--data-dir", one.dataDir];
    const peer = ["--peer", one.peer];
    expect(await cli(...recover, ...peer, "--force-new-cluster")).toMatchObject({ code: 5 });
    one.child.kill("SIGKILL");
    await one.ended;
    expect(await cli(...recover, ...peer)).toMatchObject({ code: 2 });
    const recovered = await cli(...recover, ...peer, "--force-new-cluster");
    expect(recovered).toMatchObject({ code: 0, stderr: "" });
    const alone = await start("one", [], one);
    const after = await voters(alone, "one");
    expect(after.clusterId).not.toBe(before.clusterId);
    expect(readFileSync(join(one.dataDir, "raft/identity"), "utf8")).toContain(after.clusterId);

    // The lost one comes back after all: it is of the old cluster, and is kept out.
    await start("two", [], two);
    await eventually("it is refused", async () => {
      const seen = await consensusHealth(alone);
      return seen?.state === "ok";
    });
    expect((await voters(alone, "one")).members).toHaveLength(1);
  });
});
