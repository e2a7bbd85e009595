/**
 * Around a bad link. batman-adv cannot be told a next hop; it can be told that an interface is worth
 * less, and then finds the other way by itself. BATMAN_V takes a throughput for the interface,
 * BATMAN_IV a penalty on what comes in over it; both are set by the node whose traffic suffers.
 */

import { restoreOf, type SettingAction } from "../action.ts";
import type { Plan } from "../decision.ts";
import type {
  MeshInterfaceReading,
  MeshLinkReading,
  MeshReading,
  Observation,
} from "../observation.ts";
import { linkSubject } from "../subject.ts";
import type { Symptom } from "../symptom.ts";
import { type PlanOptions, planOf, tellPlan } from "./plan-of.ts";

/** Beats without the symptom after which the way back is tried; more for one that keeps coming back. */
const releaseBeats = 10;
const maxReleaseBeats = 600;
/**
 * How far below the alternative: batman-adv's estimate is a moving average that nears the override
 * by an eighth each ELP interval, so the lower it is the sooner traffic moves.
 */
const overrideShare = 0.1;
/** The unit of batman-adv; anything less is no override at all. */
const unitKbps = 100;
/** A link at 255 is worth nothing; this leaves it for when all others fail. */
const maxHopPenalty = 250;
const penaltyShare = 0.5;

export function planSteering(symptom: Symptom, seen: Observation, options: PlanOptions): Plan {
  const told = (rejectedBecause: string, action: SettingAction | null = null) =>
    tellPlan(symptom, options, [{ action, rejectedBecause }]);
  const { mesh } = seen;
  if (mesh === null) return told("batman-adv could not be seen, so there is no way to steer");
  const link = mesh.links.find((candidate) => linkSubject(candidate) === symptom.subject);
  const on = mesh.interfaces.find(({ name }) => name === link?.interface);
  if (link === undefined || on === undefined) return told("batman-adv has no such neighbour");
  if (link.routes === 0) return told("no traffic takes this link, so nobody suffers from it");
  const steering = steerAway(mesh, link, on);
  if (typeof steering === "string") return told(steering);
  const { action, present } = steering;
  if (!options.mayRepair(on.name)) {
    return told(`repair.interfaces does not name ${on.name}`, action);
  }
  const gain = `${link.routes} routes leave ${on.name} for links that lose less`;
  const plan = planOf(symptom, options, action, gain, [
    {
      action: { kind: "interface-bounce", interface: on.name, downMs: 500 },
      rejectedBecause: "a new carrier does not mend a lossy medium, and cuts what still arrives",
    },
    {
      action: null,
      rejectedBecause:
        mesh.algorithm === "BATMAN_V"
          ? "BATMAN_V does not see loss on wired links: it would stay for good"
          : "BATMAN_IV needs about 12 s to see it by itself",
    },
  ]);
  return {
    ...plan,
    undo: [restoreOf(action, present)],
    expectation: { ...plan.expectation, proof: "traffic-moved" },
    standing: { releaseBeats },
  };
}

interface Steering {
  readonly action: SettingAction;
  /** As it is set now. */
  readonly present: SettingAction;
}

/** Or why there is none, in words. */
function steerAway(
  mesh: MeshReading,
  link: MeshLinkReading,
  on: MeshInterfaceReading,
): Steering | string {
  return mesh.algorithm === "BATMAN_V" ? byOverride(link, on) : byHopPenalty(link, on);
}

function byOverride(link: MeshLinkReading, on: MeshInterfaceReading): Steering | string {
  const present = on.throughputOverrideKbps;
  if (present === null) return `the kernel has no throughput override for ${on.name}`;
  const target = (link.worstAlternativeQuality ?? 0) * overrideShare;
  const throughputKbps = Math.max(unitKbps, Math.floor(target / unitKbps) * unitKbps);
  if (present > 0 && present <= throughputKbps) {
    return `${on.name} has a throughput override of ${present} kbit/s already`;
  }
  const kind = "throughput-override";
  return {
    action: { kind, interface: on.name, throughputKbps },
    present: { kind, interface: on.name, throughputKbps: present },
  };
}

function byHopPenalty(link: MeshLinkReading, on: MeshInterfaceReading): Steering | string {
  const present = on.hopPenalty;
  if (present === null) return `the kernel has no hop penalty for ${on.name}`;
  // The penalty in force is part of what is seen: without it the link would be worth that.
  const plain = ((link.bestRouteQuality ?? 255) * 255) / Math.max(1, 255 - present);
  const share = ((link.worstAlternativeQuality ?? 0) * penaltyShare) / Math.max(1, plain);
  const wanted = Math.ceil(255 * (1 - Math.min(1, share)));
  const hopPenalty = Math.min(maxHopPenalty, wanted);
  if (present >= hopPenalty) return `${on.name} has a hop penalty of ${present} already`;
  const kind = "interface-hop-penalty";
  return {
    action: { kind, interface: on.name, hopPenalty },
    present: { kind, interface: on.name, hopPenalty: present },
  };
}

/** Doubles with every repair of the same kind within the hour, so that a fickle link does not flap. */
export function patienceAfter(earlierRepairs: number): number {
  return Math.min(maxReleaseBeats, releaseBeats * 2 ** Math.min(10, earlierRepairs));
}
