/** Carries out the steps of a schedule: clients at work, and single faults. */

import { Chance } from "./chance.ts";
import { calm, changeMembership, crash, fillDisk, isolate, rot, split } from "./faults.ts";
import { type Group, leaderOf } from "./group.ts";
import {
  bridgeAndRestart,
  changeInMinority,
  deposeLeaders,
  dwindleToOne,
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
      if (group.nowMs() < group.quietUntilMs) break;
      for (let count = 1 + Math.floor(measure * measure * 12); count > 0; count--) {
        group.write(contact(group, pick), pick % 40);
      }
      break;
    case "read":
      contact(group, pick).read(group.nextRequestId(), measure < 0.7 ? "linearizable" : "lease");
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
      // Late entries are where losing one may hurt.
      rot(group, victim, Math.ceil(victim.disk.lastIndex * (1 - measure ** 3)), measure);
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
    case "dwindle-to-one":
      dwindleToOne(group, new Chance(pick));
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
