/**
 * Whom a plan would cut off, or could not help because there is no other way. What was not seen
 * cannot be spared: without sight of the mesh, interfaces count as the only protection.
 */

import type { Action } from "../action.ts";
import type { Plan } from "../decision.ts";
import { isOperational } from "../knowledge/record-observation.ts";
import type { MeshLinkReading, Observation } from "../observation.ts";

/** What the plan would cut, in words; null when nothing. */
export function whatIsCut(plan: Plan, seen: Observation): string | null {
  if (cutsLastInterface(plan, seen)) return "it would take down the last interface that works";
  for (const action of plan.actions) {
    const harms = interrupts(action, seen) || steers(action) || shutsOut(action);
    const alone = harms ? reachedOver(action, seen) : 0;
    if (alone > 0 && "interface" in action) {
      const who = alone === 1 ? "one originator is" : `${alone} originators are`;
      const over = action.kind === "frame-deny" ? action.address : action.interface;
      return `${who} reached over ${over} alone`;
    }
  }
  return null;
}

/** Would every working interface be taken down? An interface that is down already costs nobody. */
function cutsLastInterface(plan: Plan, seen: Observation): boolean {
  const working = (seen.interfaces ?? []).filter(isOperational).map(({ name }) => name);
  const taken = plan.actions
    .filter(takesDown)
    .map((action) => ("interface" in action ? action.interface : ""));
  return (
    taken.some((name) => working.includes(name)) && working.every((name) => taken.includes(name))
  );
}

function takesDown(action: Action): boolean {
  switch (action.kind) {
    case "interface-bounce":
    case "interface-down":
    case "mesh-reenslave":
      return true;
    case "mesh-membership":
      return !action.member;
    default:
      return false;
  }
}

function interrupts(action: Action, seen: Observation): boolean {
  if (!takesDown(action) || !("interface" in action)) return false;
  const reading = seen.interfaces?.find(({ name }) => name === action.interface);
  return reading === undefined || isOperational(reading);
}

/** Makes its interface worth less: traffic that has another way takes it, the rest suffers on. */
function steers(action: Action): boolean {
  return action.kind === "throughput-override"
    ? action.throughputKbps > 0
    : action.kind === "interface-hop-penalty" && action.hopPenalty > 0;
}

function shutsOut(action: Action): boolean {
  return action.kind === "frame-deny" && action.denied;
}

/** Originators that this node reaches over what the action touches and no other way. */
function reachedOver(action: Action, { mesh }: Observation): number {
  if (!("interface" in action) || mesh === null) return 0;
  const touches = (link: MeshLinkReading) =>
    action.kind === "frame-deny"
      ? link.neighbour === action.address.toLowerCase()
      : link.interface === action.interface;
  const links = mesh.links.filter(touches);
  return links.reduce((sum, link) => sum + link.routesWithoutAlternative, 0);
}
