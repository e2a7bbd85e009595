/** What one beat says about a repair: that it works, that the trouble is still there, or nothing. */

import { isStillFound } from "../analyze/symptom-tracker.ts";
import type { Decision } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { linkSubject, type Subject, subject, subjectName } from "../subject.ts";
import { type Finding, isObservable, type Symptom } from "../symptom.ts";

export type BeatVerdict =
  | { readonly kind: "proof"; readonly reason: string }
  | { readonly kind: "trouble"; readonly reason: string }
  /** Not seeing what was not looked at proves nothing. */
  | { readonly kind: "nothing"; readonly reason: string };

export function judgeBeat(
  { symptom, plan }: Decision,
  findings: readonly Finding[],
  now: Observation,
): BeatVerdict {
  const found = isStillFound(symptom, findings);
  const unseen = found ? null : whyUnseen(symptom, now);
  if (!found && unseen === null) {
    return { kind: "proof", reason: "the symptom went away and stayed away" };
  }
  if (plan.expectation.proof === "symptom-gone") {
    return unseen === null
      ? { kind: "trouble", reason: "the symptom was still there" }
      : { kind: "nothing", reason: unseen };
  }
  const carries = routesOver(symptom.subject, now);
  if (carries === null) return { kind: "nothing", reason: "nobody could see where traffic goes" };
  return carries === 0
    ? { kind: "proof", reason: "no traffic takes the bad link any more" }
    : { kind: "trouble", reason: "traffic still took the bad link" };
}

/** Routes over a link; null when the mesh was not seen. A link that is gone carries none. */
function routesOver(link: Subject, { mesh }: Observation): number | null {
  if (mesh === null) return null;
  return mesh.links.find((candidate) => linkSubject(candidate) === link)?.routes ?? 0;
}

/** Why this beat says nothing about a symptom that was not found in it; null when it does. */
function whyUnseen(symptom: Symptom, now: Observation): string | null {
  if (!isObservable(symptom, now)) return "nobody could see whether it helped";
  const name = subjectName(symptom.subject);
  const gone =
    symptom.subject === subject("interface", name) &&
    !now.interfaces?.some((reading) => reading.name === name);
  return gone ? `${name} disappeared` : null;
}
