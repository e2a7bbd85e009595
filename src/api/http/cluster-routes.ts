/**
 * The group of this node: who is in it, and what an operator may change about that. Any member may
 * be asked; what only the leader can do is passed on to it.
 */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger, Result } from "../../base/index.ts";
import { Type } from "../../json-schema/type.ts";
import { type App, answer, json, problems } from "./app.ts";
import { refuseWithFault } from "./error-handling.ts";
import type { ClusterPort } from "./ports.ts";
import { closed } from "./schemas/building-blocks.ts";
import { clusterSchema, leadershipSchema, memberAdditionSchema } from "./schemas/index.ts";

export interface ClusterRouteParts {
  readonly cluster: ClusterPort;
  readonly logger: Logger;
}

const membersPath = "/api/v1/cluster/members";
const tags = ["cluster"];
const memberParams = () => closed({ id: Type.String({ minLength: 1, maxLength: 63 }) });

const changeProblems = () =>
  problems(
    "E_INVALID_REQUEST",
    "E_MALFORMED_JSON",
    "E_ORIGIN_NOT_ALLOWED",
    "E_BODY_TOO_LARGE",
    "E_MEDIA_TYPE",
    "E_NO_SUCH_MEMBER",
    "E_MEMBER_EXISTS",
    "E_LAST_VOTER",
    "E_CHANGE_PENDING",
    "E_QUORUM_AT_RISK",
    "E_NO_SUCCESSOR",
    "E_TRANSFER_IN_PROGRESS",
    "E_TRANSFER_FAILED",
    "E_NO_LEADER",
    "E_OVERLOADED",
    "E_DISK_FULL",
    "E_OUTCOME_UNKNOWN",
    "E_GROUP_UNAVAILABLE",
    "E_NODE_STOPPING",
  );

export function serveCluster(app: App, { cluster, logger }: ClusterRouteParts): void {
  const tell = (request: FastifyRequest, reply: FastifyReply, result: Result<void>) => {
    if (!result.ok) return refuseWithFault(logger, request, reply, result.fault);
    return answer(reply, clusterSchema, cluster.view());
  };
  const done = { ...changeProblems(), 200: json(clusterSchema, "The group as it is now.") };

  app.get(
    membersPath,
    {
      schema: {
        summary: "The group: its members, who leads, and how far each is",
        tags,
        response: { ...problems(), 200: json(clusterSchema, "As this node sees it.") },
      },
    },
    (_request, reply) => answer(reply, clusterSchema, cluster.view()),
  );

  app.post(
    membersPath,
    {
      schema: {
        summary: "Takes a node in, first as a learner",
        tags,
        body: memberAdditionSchema,
        response: done,
      },
    },
    async (request, reply) => {
      const { id, address, promote = true } = request.body;
      return tell(request, reply, await cluster.add({ id, address, promote }));
    },
  );

  app.delete(
    `${membersPath}/:id`,
    {
      schema: {
        summary: "Lets a member go; it learns of it and stops",
        tags,
        params: memberParams(),
        body: closed({}),
        response: done,
      },
    },
    async (request, reply) => tell(request, reply, await cluster.remove(request.params.id)),
  );

  app.post(
    `${membersPath}/:id/promotion`,
    {
      schema: {
        summary: "Makes a learner a voter",
        tags,
        params: memberParams(),
        body: closed({}),
        response: done,
      },
    },
    async (request, reply) => tell(request, reply, await cluster.promote(request.params.id)),
  );

  app.post(
    "/api/v1/cluster/leadership",
    {
      schema: {
        summary: "Hands leadership to a member, or to whom the leader thinks best",
        tags,
        body: leadershipSchema,
        response: done,
      },
    },
    async (request, reply) => tell(request, reply, await cluster.transfer(request.body.target)),
  );
}
