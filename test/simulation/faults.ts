/** Single faults, and what heals them. */

import type { LogIndex, MemberChange } from "../../src/consensus/index.ts";
import { Chance } from "./chance.ts";
import { committedMembership, type Group } from "./group.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** Comes back at once, or after several election timeouts. */
export function crash(group: Group, node: SimulatedNode, measure: number): void {
  node.crash();
  // Those with a connection may notice.
  for (const other of group.nodes) {
    if (measure > 0.5) other.deliver({ kind: "peer-unreachable", peer: node.id });
  }
  const { electionTimeoutMs } = group.options;
  group.plan(1 + measure * measure * 5 * electionTimeoutMs, () => node.start());
}

/**
 * A synced entry becomes unreadable. Only while every other disk is sound, and no change is under
 * way that may make the damaged node indispensable: enough copies of what was agreed on survive.
 */
export function rot(group: Group, node: SimulatedNode, index: LogIndex, measure: number): void {
  const { voters, outgoing } = committedMembership(group);
  const sound = group.nodes.every((other) => other.disk.hardState.repair === null);
  if (!sound || !node.running || voters.length < 3 || outgoing !== null) return;
  crash(group, node, measure);
  const { disk } = node;
  const first = Math.max(disk.base.index, disk.snapshot?.meta.index ?? 0) + 1;
  if (first <= disk.lastIndex && index <= disk.lastIndex) {
    disk.rot(Math.max(first, index), measure < 0.7);
  }
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

export function fillDisk(group: Group, node: SimulatedNode, measure: number): void {
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
