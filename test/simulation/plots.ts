/**
 * Sequences of moves with bad intentions: each aims at one rule that only an unlucky combination of
 * faults puts to the test, such as the one of figure 3.7 of the Raft dissertation. Timing is drawn,
 * so that a plot misses as often as it hits.
 */

import type { Chance } from "./chance.ts";
import { changeMembership, crash, isolate, rot } from "./faults.ts";
import { type Group, leaderOf } from "./group.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** Lets clients read from `old` by lease and write to whoever leads instead, often, for a while. */
function stalk(group: Group, old: SimulatedNode, forMs: number): void {
  for (let atMs = 0; atMs < forMs; atMs += 5) {
    group.plan(atMs, () => {
      const leader = leaderOf(group);
      if (leader !== undefined && leader !== old) group.write(leader, 0);
      if (old.leads) old.read(group.nextRequestId(), "lease");
    });
  }
}

function cutInbound({ nodes, network }: Group, node: SimulatedNode): void {
  for (const other of nodes) network.cut(other.id, node.id);
}

/** The leader's fellow voters that run, in an order of chance. */
function fellowsOf(group: Group, leader: SimulatedNode, chance: Chance): SimulatedNode[] {
  const voters = leader.state?.memberships.latest.membership.voters ?? [];
  const isFellow = (node: SimulatedNode) => voters.some(({ id }) => id === node.id);
  const others = group.nodes.filter((node) => node !== leader && node.running && isFellow(node));
  for (let i = others.length - 1; i > 0; i--) {
    const j = chance.below(i + 1);
    [others[i], others[j]] = [others[j] as SimulatedNode, others[i] as SimulatedNode];
  }
  return others;
}

/**
 * Brings leader after leader down just as it begins to replicate, so that logs end in different
 * terms on different nodes: the ground on which counting old entries goes wrong.
 */
export function deposeLeaders(group: Group, chance: Chance): void {
  let rounds = 3 + chance.below(5);
  const endMs = group.nowMs() + 3_000;
  let lastTerm = leaderOf(group)?.state?.term ?? 0;
  const watch = () => {
    const leader = leaderOf(group);
    const term = leader?.state?.term ?? 0;
    if (leader !== undefined && term > lastTerm) {
      lastTerm = term;
      rounds--;
      for (let count = chance.below(4); count > 0; count--) group.write(leader, 8);
      const [friend] = fellowsOf(group, leader, chance);
      // Only one follower, or none, hears of what it has to say.
      isolate(group, leader);
      if (friend !== undefined && chance.happens(0.7)) group.network.join(leader.id, friend.id);
      group.plan(chance.between(0, 40), () => crash(group, leader, chance.ratio() * 0.7));
      group.plan(chance.between(40, 120), () => group.network.heal());
    }
    if (rounds > 0 && group.nowMs() < endMs) group.plan(1, watch);
  };
  watch();
}

/** Cuts the leader off, in one direction or both, or stops its clock, and asks it for leases. */
export function stalkLeader(group: Group, chance: Chance): void {
  const leader = leaderOf(group);
  if (leader === undefined) return;
  const roll = chance.ratio();
  if (roll < 0.5) isolate(group, leader);
  else if (roll < 0.8) {
    isolate(group, leader);
    leader.pausedUntilMs = group.nowMs() + chance.between(50, 300);
  } else cutInbound(group, leader);
  stalk(group, leader, 400);
  group.plan(chance.between(100, 500), () => group.network.heal());
}

/** Has the leader hand over, and keeps the news of the new one from it. */
export function handOverAndCut(group: Group, chance: Chance): void {
  const leader = leaderOf(group);
  if (leader === undefined) return;
  leader.deliver({ kind: "transfer-leadership", id: group.nextRequestId(), target: null });
  group.plan(chance.between(0, 8), () => cutInbound(group, leader));
  stalk(group, leader, 200);
  group.plan(chance.between(50, 300), () => group.network.heal());
}

/**
 * Some have not heard the leader for long and may elect another. Then the leader is cut off, and
 * one of those who have just promised to protect it is restarted: will it remember?
 */
export function bridgeAndRestart(group: Group, chance: Chance): void {
  const leader = leaderOf(group);
  if (leader === undefined) return;
  const others = fellowsOf(group, leader, chance);
  const deaf = others.slice(0, Math.floor((others.length + 1) / 2));
  for (const node of deaf) {
    group.network.cut(leader.id, node.id);
    group.network.cut(node.id, leader.id);
  }
  const bridge = others[deaf.length];
  const cutAtMs = chance.between(130, 300);
  group.quietUntilMs = group.nowMs() + cutAtMs;
  group.plan(cutAtMs, () => {
    isolate(group, leader);
    if (bridge !== undefined) crash(group, bridge, 0);
    stalk(group, leader, 150);
  });
  group.plan(cutAtMs + 200, () => group.network.heal());
}

/**
 * Some miss what is agreed; then a node that has it loses it to rot, the leader goes, and those who
 * missed it come back and ask for votes.
 */
export function forgetAndDepose(group: Group, chance: Chance): void {
  const leader = leaderOf(group);
  if (leader === undefined) return;
  const others = fellowsOf(group, leader, chance);
  const absent = others.slice(0, Math.floor(others.length / 2));
  for (const node of absent) isolate(group, node);
  const agreedIndex = leader.state?.commitIndex ?? 0;
  for (let count = 0; count < 4; count++) {
    group.plan(10 * count, () => group.write(leader, 0));
  }
  group.plan(chance.between(80, 140), () => {
    const forgetful = others[absent.length];
    if (forgetful !== undefined) rot(group, forgetful, agreedIndex + 1, chance.ratio() * 0.3);
    group.network.heal();
    crash(group, leader, 0.5 + chance.ratio() * 0.5);
  });
}

/** The leader keeps one friend of many and asks to change the membership, again and again. */
export function changeInMinority(group: Group, chance: Chance): void {
  const leader = leaderOf(group);
  if (leader === undefined) return;
  const [friend] = fellowsOf(group, leader, chance);
  isolate(group, leader);
  if (friend !== undefined) {
    isolate(group, friend);
    group.network.join(leader.id, friend.id);
  }
  for (let count = 0; count < 6; count++) {
    group.plan(count * 8, () => {
      changeMembership(group, leader, chance.random.uint32(), 0);
      group.write(leader, 0);
    });
  }
  group.plan(chance.between(150, 400), () => group.network.heal());
}

/**
 * The leader removes one voter after the other, at last itself, and does not hear what the only one
 * that is left makes of it.
 */
export function dwindleToOne(group: Group, chance: Chance): void {
  const leader = leaderOf(group);
  const [heir] = leader === undefined ? [] : fellowsOf(group, leader, chance);
  if (leader === undefined || heir === undefined) return;
  let turns = 60;
  const shrink = () => {
    const now = leader.state?.memberships.latest.membership;
    if (!leader.leads || now === undefined || turns-- === 0) return;
    const id = group.nextRequestId();
    const next = now.voters.find((voter) => voter.id !== leader.id && voter.id !== heir.id);
    if (now.outgoing === null && now.voters.some((voter) => voter.id === leader.id)) {
      const kind = next === undefined ? "demote" : "remove";
      const change = { kind, id: next?.id ?? leader.id } as const;
      leader.deliver({ kind: "change-membership", id, changes: [change] });
    } else if (now.outgoing === null) {
      group.network.cut(heir.id, leader.id);
      stalk(group, leader, 150);
      group.plan(200, () => group.network.heal());
      return;
    }
    group.plan(4, shrink);
  };
  shrink();
}
