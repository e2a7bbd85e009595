/** Carries out the steps of a schedule: clients at work, and single faults. */

import type { MemberChange } from "../../src/consensus/index.ts";
import { Chance } from "./chance.ts";
import { committedMembership, type Group, leaderOf } from "./group.ts";
import {
  bridgeAndRestart,
  changeInMinority,
  deposeLeaders,
  forgetAndDepose,
  handOverAndCut,
  stalkLeader,
} from "./plots.ts";
import type { ScheduledStep } from "./schedule.ts";
import type { SimulatedNode } from "./simulated-node.ts";

export function perform(group: Group, { kind, pick, measure }: ScheduledStep): void {
  const { nodes, network, options } = group;
  const victim = nodes[pick % nodes.length] as SimulatedNode;
  const other = nodes[(pick >>> 8) % nodes.length] as SimulatedNode;
  const leader = leaderOf(group);
  switch (kind) {
    case "write":
      for (let count = 1 + Math.floor(measure * measure * 12); count > 0; count--) {
        group.write(contact(group, pick), pick % 40);
      }
      break;
    case "read":
      contact(group, pick).read(group.nextRequestId(), "linearizable");
      break;
    case "lease-read":
      // Asked of everybody who may believe to lead: that is where stale answers come from.
      for (const node of nodes) if (node.leads) node.read(group.nextRequestId(), "lease");
      break;
    case "crash":
      crash(group, victim, measure);
      break;
    case "crash-leader":
      if (leader !== undefined) crash(group, leader, measure);
      break;
    case "crash-all":
      for (const node of nodes) crash(group, node, measure);
      break;
    case "rot":
      rot(group, victim, measure);
      break;
    case "pause":
      victim.pausedUntilMs = group.nowMs() + measure * 4 * options.electionTimeoutMs;
      break;
    case "isolate":
      isolate(group, measure < 0.5 ? victim : (leader ?? victim));
      break;
    case "split":
      split(group, (index) => ((pick >>> index) & 1) === 0);
      break;
    case "cut-one-way":
      network.cut(victim.id, other.id);
      break;
    case "slow-link":
      network.slow(victim.id, other.id, measure * 150);
      break;
    case "heal":
      network.heal();
      break;
    case "lossy":
      network.lossRatio = measure * 0.3;
      network.duplicateRatio = measure * 0.3;
      network.maxDelayMs = 2 + measure * 30;
      break;
    case "calm":
      calm(group);
      break;
    case "slow-disk":
      victim.disk.slowness = 1 + measure * 40;
      break;
    case "disk-full":
      fillDisk(group, victim, measure);
      break;
    case "transfer": {
      const target = measure < 0.3 ? null : victim.id;
      const id = group.nextRequestId();
      contact(group, pick).deliver({ kind: "transfer-leadership", id, target });
      break;
    }
    case "change-membership":
      changeMembership(group, contact(group, pick), pick, measure);
      break;
    case "snapshot":
      victim.takeSnapshot();
      break;
    case "priority":
      victim.deliver({ kind: "priority", priority: Math.round(measure * 100) });
      break;
    case "depose-leaders":
      deposeLeaders(group, new Chance(pick));
      break;
    case "stalk-leader":
      stalkLeader(group, new Chance(pick));
      break;
    case "hand-over-and-cut":
      handOverAndCut(group, new Chance(pick));
      break;
    case "bridge-and-restart":
      bridgeAndRestart(group, new Chance(pick));
      break;
    case "forget-and-depose":
      forgetAndDepose(group, new Chance(pick));
      break;
    case "change-in-minority":
      changeInMinority(group, new Chance(pick));
      break;
  }
}

/** Mostly a client knows the leader; now and then it believes an old one, or asks anybody. */
function contact({ nodes }: Group, pick: number): SimulatedNode {
  const leaders = nodes.filter((node) => node.leads);
  const from = leaders.length > 0 && (pick >>> 16) % 4 !== 0 ? leaders : nodes;
  return from[(pick >>> 4) % from.length] as SimulatedNode;
}

/** Comes back at once, or after several election timeouts. */
export function crash(group: Group, node: SimulatedNode, measure: number): void {
  node.crash();
  const { electionTimeoutMs } = group.options;
  group.plan(1 + measure * measure * 5 * electionTimeoutMs, () => node.start());
}

/**
 * A synced entry becomes unreadable. Only while every other disk is sound, and no change is under
 * way that may make the damaged node indispensable: enough copies of what was agreed on survive.
 */
export function rot(group: Group, node: SimulatedNode, measure: number): void {
  const { voters, outgoing } = committedMembership(group);
  const sound = group.nodes.every((other) => other.disk.hardState.repair === null);
  if (!sound || !node.running || voters.length < 3 || outgoing !== null) return;
  crash(group, node, measure);
  const { disk } = node;
  const first = Math.max(disk.base.index, disk.snapshot?.meta.index ?? 0) + 1;
  if (first > disk.lastIndex) return;
  // Late entries are where losing one may hurt.
  const index = disk.lastIndex - Math.floor(measure * measure * (disk.lastIndex - first + 1));
  disk.rot(index, measure < 0.7);
}

export function isolate({ nodes, network }: Group, node: SimulatedNode): void {
  for (const other of nodes) {
    network.cut(node.id, other.id);
    network.cut(other.id, node.id);
  }
}

export function split({ nodes, network }: Group, side: (index: number) => boolean): void {
  for (const [i, left] of nodes.entries()) {
    for (const [j, right] of nodes.entries()) {
      if (side(i) !== side(j)) network.cut(left.id, right.id);
    }
  }
}

export function calm({ network, nodes }: Group): void {
  network.lossRatio = 0;
  network.duplicateRatio = 0;
  network.maxDelayMs = 2;
  for (const { disk } of nodes) disk.slowness = 1;
}

function fillDisk(group: Group, node: SimulatedNode, measure: number): void {
  node.disk.setFull(true);
  node.deliver({ kind: "disk-full", full: true });
  group.plan(50 + measure * 500, () => makeRoom(node));
}

export function makeRoom(node: SimulatedNode): void {
  node.disk.setFull(false);
  node.deliver({ kind: "disk-full", full: false });
}

/** One to three changes: at once, which makes it joint, or one after the other. */
export function changeMembership(
  group: Group,
  leader: SimulatedNode,
  pick: number,
  measure: number,
): void {
  const draw = new Chance(pick);
  const together = draw.happens(0.5);
  let changes: MemberChange[] = [];
  const ask = () => {
    const id = group.nextRequestId();
    if (changes.length > 0) leader.deliver({ kind: "change-membership", id, changes });
    changes = [];
  };
  for (let count = 1 + Math.floor(measure * 3); count > 0; count--) {
    const change = drawChange(group, leader, draw);
    if (change !== null) changes.push(change);
    if (!together) ask();
  }
  ask();
}

function drawChange(group: Group, leader: SimulatedNode, draw: Chance): MemberChange | null {
  const now = leader.state?.memberships.latest.membership;
  if (now === undefined) return null;
  const roll = draw.ratio();
  const voter = now.voters[draw.below(now.voters.length)];
  const learner = now.learners[draw.below(now.learners.length)];
  if (roll < 0.4) {
    const node = group.addNode();
    if (node === null) return null;
    const member = { id: node.id, address: `${node.id}.simulation` };
    return { kind: "add-learner", member, promote: draw.happens(0.8) };
  }
  if (roll < 0.5) return learner === undefined ? null : { kind: "promote", id: learner.id };
  if (roll < 0.6) return learner === undefined ? null : { kind: "remove", id: learner.id };
  if (voter === undefined) return null;
  if (roll < 0.7) return { kind: "demote", id: voter.id };
  return now.voters.length > 2 ? { kind: "remove", id: voter.id } : null;
}
