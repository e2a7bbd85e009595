/** Groups of real daemons: joined, listed, changed and recovered as an operator would. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  cli,
  cluster,
  consensusHealth,
  endDaemons,
  get,
  startDaemon as start,
  voters,
} from "../../support/raft/daemon.ts";
import { eventually, freePort } from "../../support/raft/process-group.ts";

afterEach(endDaemons);

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
