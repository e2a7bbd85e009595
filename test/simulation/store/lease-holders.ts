/**
 * Those who hold leases, and the leaders who let them run out. A lease must outlive the last
 * keep-alive that was answered by its time, as the fastest clock counts it, and must be gone soon
 * after nobody keeps it.
 */

import type { RequestId } from "../../../src/consensus/index.ts";
import { type Command, putRequest } from "../../../src/kvstore/index.ts";
import type { Told } from "../../support/naive-store.ts";
import { type Group, leaderOf } from "../group.ts";
import type { SimulatedNode } from "../simulated-node.ts";
import { mustHold } from "../violation.ts";
import type { StoreCounts, StoreWorld } from "./store-world.ts";

const ttlSeconds = 1;
/** Clocks run at least at this rate and at most at the other; an election and a beat come on top. */
const slowest = 0.9;
const fastest = 1.1;
const holderCount = 3;

interface Held {
  readonly id: bigint;
  granted: boolean;
  gone: boolean;
  /** When the last answered keep-alive was asked for, in true time; null before the grant. */
  keptAtMs: number | null;
  /** Nobody keeps it alive after that. */
  readonly untilMs: number;
}

export class LeaseHolders {
  readonly #world: StoreWorld;
  readonly #group: Group;
  readonly #counts: StoreCounts;
  readonly #held: Held[] = [];
  readonly #all = new Map<bigint, Held>();
  readonly #asked = new Map<RequestId, { held: Held; atMs: number }>();
  #nextId = 1n;
  #resting = false;

  constructor(world: StoreWorld, group: Group, counts: StoreCounts) {
    this.#world = world;
    this.#group = group;
    this.#counts = counts;
  }

  /** No more leases, and nobody keeps any alive. */
  rest(): void {
    this.#resting = true;
  }

  beat(): void {
    const { chance } = this.#world;
    const nowMs = this.#group.nowMs();
    for (const node of this.#group.nodes) this.#expire(node);
    if (this.#resting) return;
    for (let seat = 0; seat < holderCount; seat++) {
      const held = this.#held[seat];
      if (held === undefined || held.gone || nowMs > held.untilMs + 3_000) this.#grant(seat);
      else if (held.granted && nowMs < held.untilMs && chance.happens(0.25)) this.#keep(held);
    }
  }

  #grant(seat: number): void {
    const leader = leaderOf(this.#group);
    if (leader === undefined) return;
    const { chance } = this.#world;
    const id = this.#nextId++;
    const untilMs = this.#group.nowMs() + chance.between(300, 4_000);
    const held: Held = { id, granted: false, gone: false, keptAtMs: null, untilMs };
    this.#held[seat] = held;
    this.#all.set(id, held);
    this.#group.propose(leader, this.#world.encode({ kind: "lease-grant", id, ttlSeconds }));
    const put = putRequest({ key: `lease/${id}`, lease: id });
    this.#group.propose(leader, this.#world.encode(put));
  }

  /** The leader renews only after a majority has confirmed it, as `LeaseClock` demands. */
  #keep(held: Held): void {
    const { chance } = this.#world;
    // One may ask a leader of the past as well.
    const leaders = this.#group.nodes.filter((node) => node.leads);
    const leader = leaders[chance.below(leaders.length)];
    if (leader === undefined) return;
    const id = this.#group.nextRequestId();
    this.#asked.set(id, { held, atMs: this.#group.nowMs() });
    leader.deliver({ kind: "read", id, mode: "linearizable" });
  }

  onRefused(id: RequestId): void {
    this.#asked.delete(id);
  }

  onReadReady(node: SimulatedNode, id: RequestId): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    if (!node.leads) return;
    const { held, atMs } = asked;
    const renewed = this.#world.storeOf(node).clock.renew(held.id, node.localMs);
    this.#world.trace("keep-alive", { id: held.id, ok: renewed.ok });
    if (!renewed.ok) return;
    mustHold(!held.gone, "leases live", () => `lease ${held.id} was kept alive and is gone`);
    this.#counts.leasesKept++;
    held.keptAtMs = Math.max(held.keptAtMs ?? 0, atMs);
  }

  #expire(node: SimulatedNode): void {
    const { clock, machine } = this.#world.storeOf(node);
    if (!node.leads || node.state === null || machine === null) return;
    if (node.pausedUntilMs > this.#group.nowMs()) return;
    const { term } = node.state;
    const { chance } = this.#world;
    for (const id of clock.expired(node.localMs, 10)) {
      const command = this.#world.encode({ kind: "lease-expire", id, term });
      if (chance.happens(0.7)) this.#group.propose(node, command);
      else {
        // Held up on its way, and forwarded to whoever leads by then.
        this.#group.plan(chance.between(0, 600), () => {
          const leader = leaderOf(this.#group);
          if (leader !== undefined) this.#group.propose(leader, command);
        });
      }
    }
  }

  /** The log has agreed on it; this is the first node to apply it. */
  onCommand(command: Command, reply: Told): void {
    if (reply.kind === "refused") return;
    const nowMs = this.#group.nowMs();
    if (command.kind === "lease-grant") {
      const held = this.#all.get(command.id);
      if (held === undefined) return;
      held.granted = true;
      held.keptAtMs = nowMs;
    } else if (command.kind === "lease-expire") {
      const held = this.#all.get(command.id);
      if (held === undefined) return;
      held.gone = true;
      this.#counts.leasesExpired++;
      const earliestMs = (held.keptAtMs ?? 0) + (1000 * ttlSeconds) / fastest;
      mustHold(
        nowMs >= earliestMs - 0.001,
        "leases live as long as promised",
        () => `lease ${held.id} ended at ${nowMs}, ${earliestMs} was promised`,
      );
    }
  }

  /** When all is well, a lease that nobody keeps has its time, and that of two beats. */
  unfinished(): string {
    const alive = [...this.#all.values()].filter(({ granted, gone }) => granted && !gone);
    return alive.length === 0 ? "" : `lease ${alive[0]?.id} lives`;
  }

  /** How long after all is well the last lease may live. */
  get boundMs(): number {
    return (1000 * ttlSeconds) / slowest + 2_000;
  }
}
