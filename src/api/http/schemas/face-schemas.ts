/** The shapes that are the HTTP face's own: health, lists, pages, problems. */

import { Type } from "../../../json-schema/type.ts";
import { closed, count, nullable, oneOf, refer } from "./building-blocks.ts";
import { decisionSchema, dryRunSchema, symptomSchema } from "./decision-schemas.ts";
import { beatStatisticsSchema, modeSchema, observationSchema } from "./observation-schemas.ts";

const healthState = () => oneOf(["ok", "degraded", "failed"]);

export const componentSchema = closed(
  {
    component: Type.String(),
    state: healthState(),
    since: Type.String({ format: "date-time", description: "When it got into this state." }),
    reason: Type.String(),
    remedy: Type.Optional(Type.String()),
  },
  { $id: "Component" },
);

export const healthSchema = closed(
  {
    state: oneOf(["ok", "degraded", "failed"], "The worst of the components."),
    node: Type.String(),
    version: Type.String(),
    mode: modeSchema,
    uptimeSeconds: Type.Number({ minimum: 0 }),
    components: Type.Array(refer(componentSchema)),
  },
  { $id: "Health" },
);

export const liveSchema = closed(
  {
    live: Type.Boolean(),
    beats: count("Beats since the start."),
    lastBeatAgeMs: nullable(Type.Number({ description: "Null before the first beat." })),
    limitMs: Type.Number({ description: "From this age on, the loop counts as stuck." }),
  },
  { $id: "Live" },
);

export const readySchema = closed(
  {
    ready: Type.Boolean(),
    waitingFor: Type.Array(closed({ component: Type.String(), reason: Type.String() })),
  },
  { $id: "Ready" },
);

export const observationsSchema = closed(
  {
    observation: Type.Union([refer(observationSchema), Type.Null()]),
    subjects: Type.Array(Type.String(), { description: "What there are series of." }),
    statistics: refer(beatStatisticsSchema),
  },
  { $id: "Observations" },
);

export const symptomsSchema = closed(
  { symptoms: Type.Array(refer(symptomSchema)) },
  { $id: "Symptoms" },
);

export const planListSchema = closed({ plans: Type.Array(refer(dryRunSchema)) }, { $id: "Plans" });

export const decisionPageSchema = closed(
  {
    decisions: Type.Array(refer(decisionSchema), { description: "Newest first." }),
    next: nullable(Type.String({ description: "The next page's path; null on the last one." })),
  },
  { $id: "DecisionPage" },
);

export const confirmationSchema = closed({ approve: Type.Boolean() }, { $id: "Confirmation" });

export const confirmedSchema = closed(
  { decision: Type.String(), approved: Type.Boolean() },
  { $id: "Confirmed" },
);

export const indexSchema = closed(
  {
    name: Type.Literal("meshmend"),
    node: Type.String(),
    version: Type.String(),
    routes: Type.Array(
      closed({ method: Type.String(), href: Type.String(), summary: Type.String() }),
    ),
  },
  { $id: "Index" },
);

export const problemSchema = closed(
  {
    type: Type.String({ examples: ["urn:meshmend:error:E_NOT_FOUND"] }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    code: Type.String({ description: "Stable; see docs/error-codes.md." }),
    instance: Type.String({ description: "The path that was asked for." }),
    errors: Type.Optional(
      Type.Array(closed({ path: Type.String(), expected: Type.String() }), {
        description: "What was wrong with the request, field by field.",
      }),
    ),
  },
  { $id: "Problem", description: "RFC 9457." },
);
