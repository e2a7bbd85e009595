/** A member whose link loses a fifth of all frames: it may lag, and must not disturb the others. */

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { badLinkProblem, MemberNetworks } from "../../support/raft/member-networks.ts";
import { eventually, ProcessGroup, within } from "../../support/raft/process-group.ts";

const soak = process.env["MESHMEND_SOAK"] === "1";
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe("a member whose link loses 20 % of the frames each way, and delays them by 100 ms", () => {
  it("makes nobody else lead, nor keeps the others from writing", async (ctx) => {
    const problem = badLinkProblem();
    if (problem !== null) ctx.skip(problem);
    const networks = new MemberNetworks(3);
    cleanUps.push(() => networks.close());
    await networks.worsen(2, { lossPercent: 20, delayMs: 100 });
    const group = await ProcessGroup.found(3, {
      addresses: networks.addresses,
      insecure: true,
      wrapper: (index) => networks.wrapper(index),
    });
    cleanUps.push(() => group.end());

    // Whoever leads at first: here it shall be one whose links are good.
    let leader = await group.leader();
    while (leader.member.id === "n2") {
      await leader.ask({ kind: "transfer", target: "n0" });
      leader = await group.leader();
    }
    const before = await leader.status();
    const far = group.get("n2");
    let written = 0;
    let farWritten = 0;
    let over = false;
    const near = async () => {
      for (let i = 0; !over; i++) {
        const answer = await leader.put(`near${i % 100}`, String(i));
        expect(answer).toMatchObject({ ok: true });
        written++;
        await delay(20);
      }
    };
    const distant = async () => {
      for (let i = 0; !over; i++) {
        if ((await far.put(`far${i % 100}`, String(i)))?.ok === true) farWritten++;
        await delay(20);
      }
    };
    const writing = Promise.all([near(), distant()]);
    const endMs = performance.now() + (soak ? 300_000 : 15_000);
    while (performance.now() < endMs) {
      const status = await within(5_000, leader.status());
      expect(status).toMatchObject({ role: "leader", term: before?.term });
      await delay(200);
    }
    over = true;
    await writing;
    expect(written).toBeGreaterThan(soak ? 1_000 : 50);
    expect(farWritten).toBeGreaterThan(0);

    // It has heard of everything, if late.
    expect(await leader.put("last", "1")).toMatchObject({ ok: true });
    await eventually("it has caught up", async () => {
      const keys = await far.ask<string[]>({ kind: "keys" });
      return keys?.includes("last");
    });
    expect(await leader.status()).toMatchObject({ role: "leader", term: before?.term });
    console.log(`${written} writes at the leader, ${farWritten} through the bad link`);
  }, 400_000);
});
