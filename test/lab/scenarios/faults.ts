/** The lab about itself: each fault does what its name says, and is gone when it is taken away. */

import { setTimeout as delay } from "node:timers/promises";
import type { Mesh } from "../mesh.ts";
import { hardInterface, peersOf } from "../topology/topology.ts";
import { linkToSpoil, type Scenario } from "./scenario.ts";

const listenMs = 3_000;

/** Frames that `node` heard from each peer in some seconds; batman-adv sends one at least. */
async function heard(mesh: Mesh, node: string): Promise<ReadonlyMap<string, number>> {
  const peers = peersOf(mesh.topology, node);
  const files = peers.map((peer) => `/sys/class/net/${hardInterface(peer)}/statistics/rx_packets`);
  const count = async () => {
    const { stdout } = await mesh.exec(node, ["cat", ...files]);
    return stdout.trim().split("\n").map(Number);
  };
  const before = await count();
  await delay(listenMs);
  const after = await count();
  return new Map(peers.map((peer, at) => [peer, (after[at] ?? 0) - (before[at] ?? 0)]));
}

export const faults: Scenario = {
  name: "faults",
  description: "each fault of the lab does what it says, and is gone when it is taken away",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  async run({ mesh, claim }) {
    const [one, other] = linkToSpoil(mesh.topology);
    const ears = async () => {
      const [atOne, atOther] = await Promise.all([heard(mesh, one), heard(mesh, other)]);
      return { one: atOne.get(other) ?? 0, other: atOther.get(one) ?? 0, third: sum(atOther) };
    };
    const whole = await ears();
    claim("both ends hear each other", whole.one > 0 && whole.other > 0, whole);
    await mesh.oneWay(one, other);
    const half = await ears();
    claim("one-way: only one end hears", half.one > 0 && half.other === 0, half);
    await mesh.cut(`${one}-${other}`);
    const cut = await ears();
    claim("cut: neither end hears the other", cut.one === 0 && cut.other === 0, cut);
    claim("cut: other links are not touched", cut.third > 0, cut);
    await mesh.restore();
    await mesh.silence(other);
    const silent = await ears();
    claim("silence: it hears and is not heard", silent.one === 0 && silent.other > 0, silent);
    await mesh.restore();
    const again = await ears();
    claim("restore: both hear again", again.one > 0 && again.other > 0, again);
    await mesh.settle();
    const fast = await mesh.throughputKbit(one, other, 3);
    await mesh.slow(`${one}-${other}`, { rateKbit: 1_000 });
    const slow = await mesh.throughputKbit(one, other, 5);
    claim("slow: TCP gets about what the link lets through", slow > 200 && slow < 2_000, {
      fast,
      slow,
    });
    claim("and got more before", fast > 2 * slow, fast);
  },
};

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
