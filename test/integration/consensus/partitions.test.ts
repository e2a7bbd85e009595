/** Members in networks of their own that are cut apart, and one whose disk is full. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/index.ts";
import { MemberNetworks, memberNetworksProblem } from "../../support/raft/member-networks.ts";
import { eventually, ProcessGroup, within } from "../../support/raft/process-group.ts";

const soak = process.env["MESHMEND_SOAK"] === "1";
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function separate(count: number) {
  const networks = new MemberNetworks(count);
  cleanUps.push(() => networks.close());
  const group = await ProcessGroup.found(count, {
    addresses: networks.addresses,
    insecure: true,
    wrapper: (index) => networks.wrapper(index),
  });
  cleanUps.push(() => group.end());
  return { networks, group };
}

const indexOf = (id: string) => Number(id.slice(1));

describe("members that are cut apart", () => {
  it("refuse in the minority within two seconds, and agree in the majority", async (ctx) => {
    const problem = memberNetworksProblem();
    if (problem !== null) ctx.skip(problem);
    const { networks, group } = await separate(3);
    const leader = await group.leader();
    expect(await leader.put("before", "1")).toMatchObject({ ok: true });
    networks.cut(indexOf(leader.member.id), ["input", "output"]);
    const startedMs = performance.now();
    const lost = await leader.put("lost", "1");
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect(lost).toMatchObject({ ok: false, fault: { code: "E_OUTCOME_UNKNOWN" } });
    const refused = await leader.put("refused", "1");
    expect(refused).toMatchObject({ ok: false, fault: { code: "E_NO_LEADER" } });
    const rest = [...group.processes.keys()].filter((id) => id !== leader.member.id);
    const next = await group.leader(rest);
    expect(await next.put("after", "1")).toMatchObject({ ok: true });
    networks.heal(indexOf(leader.member.id));
    await eventually("the old leader follows", async () => {
      const keys = await leader.ask<string[]>({ kind: "keys" });
      return keys?.includes("after");
    });
    expect(await leader.ask<string[]>({ kind: "keys" })).not.toContain("refused");
  });

  it.each([3, 5])("lose no acknowledged write, %i of them, whatever way is cut", async (count) => {
    // Said by the test before; here it only ends.
    if (memberNetworksProblem() !== null) return;
    const { networks, group } = await separate(count);
    await group.leader();
    const random = seededRandom(count);
    const acknowledged: string[] = [];
    let over = false;
    const writing = Promise.all(
      [...group.processes.values()].map(async (at, number) => {
        for (let i = 0; !over; i++) {
          const key = `c${number}-${i}`;
          if ((await at.put(key, "1"))?.ok === true) acknowledged.push(key);
          else await delay(20);
        }
      }),
    );
    const endMs = performance.now() + (soak ? 60_000 : 6_000);
    while (performance.now() < endMs) {
      const index = random.uint32() % count;
      const ways = (["input", "output"] as const).filter(() => random.uint32() % 3 > 0);
      networks.cut(index, ways);
      await delay(random.uint32() % 1_500);
      networks.heal(index);
      await delay(random.uint32() % 800);
    }
    over = true;
    await writing;
    const leader = await group.leader();
    expect(await leader.put("last", "1")).toMatchObject({ ok: true });
    for (const each of group.processes.values()) {
      const keys = await eventually("it has caught up", async () => {
        const seen = await each.ask<string[]>({ kind: "keys" });
        return seen?.includes("last") === true && new Set(seen);
      });
      expect(acknowledged.filter((key) => !keys.has(key))).toEqual([]);
    }
    expect(acknowledged.length).toBeGreaterThan(20);
  });
});

describe("a member whose disk is full", () => {
  it("costs nothing that was acknowledged, and goes on when there is room", async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip("needs root: it mounts a small tmpfs");
    const folder = mkdtempSync(join(tmpdir(), "meshmend-full-"));
    const small = join(folder, "n0");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", small]);
    cleanUps.push(() => {
      execFileSync("umount", [small]);
      rmSync(folder, { recursive: true, force: true });
    });
    const group = await ProcessGroup.found(3, { folder });
    cleanUps.push(async () => {
      for (const each of group.processes.values()) await each.kill("SIGKILL");
    });
    await group.leader();
    const [full] = [...group.processes.values()];
    // It leads, as long as it can.
    await full?.ask({ kind: "transfer", target: "n0" });
    const ballast = join(small, "ballast");
    writeFileSync(ballast, new Uint8Array(12 << 20));
    const acknowledged: string[] = [];
    const value = "x".repeat(60_000);
    const fullSeen = eventually("it says that it is full", async () => {
      return (await full?.status())?.diskFull;
    });
    let seen = false;
    void fullSeen.then(() => {
      seen = true;
    });
    for (let i = 0; i < 600 && !(seen && i > 300); i++) {
      const at = [...group.processes.values()][1 + (i % 2)];
      const answer = at === undefined ? null : await within(5_000, at.put(`k${i}`, value));
      if (answer?.ok === true) acknowledged.push(`k${i}`);
    }
    await fullSeen;
    expect((await full?.status())?.role).not.toBe("leader");
    expect(acknowledged.length).toBeGreaterThan(200);
    rmSync(ballast);
  }, 120_000);
});
