/** What the loop sees, finds, decides and would do; and a person's yes or no. */

import type { Logger } from "../../base/index.ts";
import { Type } from "../../json-schema/type.ts";
import { type App, answer, json, problems } from "./app.ts";
import { refuseWithFault } from "./error-handling.ts";
import type { LoopPort } from "./ports.ts";
import { refuse } from "./problem.ts";
import { closed } from "./schemas/building-blocks.ts";
import {
  confirmationSchema,
  confirmedSchema,
  decisionPageSchema,
  decisionSchema,
  observationsSchema,
  planListSchema,
  seriesSchema,
  symptomsSchema,
} from "./schemas/index.ts";

export interface LoopRouteParts {
  readonly loop: LoopPort;
  readonly logger: Logger;
}

const tags = ["mape-k"];
const decisionId = () =>
  Type.String({ pattern: "^[0-9A-Za-z_-]{1,64}$", description: "A decision's id." });
const decisionsPath = "/api/v1/mape-k/decisions";

export function serveLoop(app: App, parts: LoopRouteParts): void {
  serveObservations(app, parts);
  serveSymptomsAndPlans(app, parts);
  serveDecisions(app, parts);
  serveConfirmation(app, parts);
}

function serveObservations(app: App, { loop }: LoopRouteParts): void {
  app.get(
    "/api/v1/mape-k/observations",
    {
      schema: {
        summary: "The latest observation, and what there are series of",
        tags,
        response: { ...problems(), 200: json(observationsSchema, "Null before the first beat.") },
      },
    },
    (_request, reply) =>
      answer(reply, observationsSchema, {
        observation: loop.latestObservation(),
        subjects: loop.seriesSubjects(),
        statistics: loop.statistics(),
      }),
  );

  app.get(
    "/api/v1/mape-k/observations/series",
    {
      schema: {
        summary: "The recent past of one subject",
        tags,
        querystring: closed({
          subject: Type.String({ minLength: 1, maxLength: 512, examples: ["interface/eth0"] }),
        }),
        response: {
          ...problems("E_INVALID_REQUEST", "E_NO_SUCH_SUBJECT"),
          200: json(seriesSchema, "Columns of equal length, oldest first."),
        },
      },
    },
    (request, reply) => {
      const series = loop.series(request.query.subject);
      return series === null
        ? refuse(request, reply, "E_NO_SUCH_SUBJECT")
        : answer(reply, seriesSchema, series);
    },
  );
}

function serveSymptomsAndPlans(app: App, { loop }: LoopRouteParts): void {
  app.get(
    "/api/v1/mape-k/symptoms",
    {
      schema: {
        summary: "The symptoms that are active now",
        tags,
        response: { ...problems(), 200: json(symptomsSchema, "Empty when all is well.") },
      },
    },
    (_request, reply) => answer(reply, symptomsSchema, { symptoms: loop.symptoms() }),
  );

  app.get(
    "/api/v1/mape-k/plan",
    {
      schema: {
        summary: "What the loop would do now, without doing it",
        tags,
        response: { ...problems(), 200: json(planListSchema, "One plan per active symptom.") },
      },
    },
    (_request, reply) => answer(reply, planListSchema, { plans: loop.dryRun() }),
  );
}

function serveDecisions(app: App, { loop, logger }: LoopRouteParts): void {
  app.get(
    decisionsPath,
    {
      schema: {
        summary: "Decisions, newest first, page by page",
        tags,
        querystring: closed({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
          before: Type.Optional(decisionId()),
        }),
        response: {
          ...problems("E_INVALID_REQUEST", "E_STORAGE_READ"),
          200: json(decisionPageSchema, "A page."),
        },
      },
    },
    async (request, reply) => {
      const { limit = 50, before } = request.query;
      // One more than asked for tells whether there is a next page.
      const found = await loop.decisions({ limit: limit + 1, ...(before && { before }) });
      if (!found.ok) return refuseWithFault(logger, request, reply, found.fault);
      const decisions = found.value.slice(0, limit);
      const last = decisions.at(-1);
      const more = found.value.length > limit && last !== undefined;
      const next = more ? `${decisionsPath}?limit=${limit}&before=${last.id}` : null;
      return answer(reply, decisionPageSchema, { decisions, next });
    },
  );

  app.get(
    `${decisionsPath}/:id`,
    {
      schema: {
        summary: "One decision, from the symptom to the verdict",
        tags,
        params: closed({ id: decisionId() }),
        response: {
          ...problems("E_INVALID_REQUEST", "E_NO_SUCH_DECISION", "E_STORAGE_READ"),
          200: json(decisionSchema, "As it stands now."),
        },
      },
    },
    async (request, reply) => {
      const found = await loop.decision(request.params.id);
      if (!found.ok) return refuseWithFault(logger, request, reply, found.fault);
      return found.value === null
        ? refuse(request, reply, "E_NO_SUCH_DECISION")
        : answer(reply, decisionSchema, found.value);
    },
  );
}

function serveConfirmation(app: App, { loop, logger }: LoopRouteParts): void {
  app.post(
    `${decisionsPath}/:id/confirmation`,
    {
      schema: {
        summary: "Approves or denies a decision that waits in mode confirm",
        tags,
        params: closed({ id: decisionId() }),
        body: confirmationSchema,
        response: {
          ...problems(
            "E_INVALID_REQUEST",
            "E_MALFORMED_JSON",
            "E_ORIGIN_NOT_ALLOWED",
            "E_NO_SUCH_DECISION",
            "E_NOT_WAITING",
            "E_BODY_TOO_LARGE",
            "E_MEDIA_TYPE",
            "E_BUSY",
          ),
          200: json(confirmedSchema, "The loop has taken the answer."),
        },
      },
    },
    (request, reply) => {
      const { id } = request.params;
      const { approve } = request.body;
      const taken = loop.confirm(id, approve);
      if (!taken.ok) return refuseWithFault(logger, request, reply, taken.fault);
      logger.info("a decision was answered", { decision: id, approved: approve });
      return answer(reply, confirmedSchema, { decision: id, approved: approve });
    },
  );
}
