/**
 * How a fresh node becomes a member: it asks one of the members it was given, learns which group that
 * is, writes that down, and asks to be admitted. Only then may it be in the group without knowing, so
 * that a crash in between goes on where it was, and a node that lost its disk is told from it.
 */

import {
  type Clock,
  type Fault,
  failed,
  fault,
  type Logger,
  type NodeId,
  ok,
  type Result,
} from "../../base/index.ts";
import { type Member, membersOf } from "../../consensus/index.ts";
import { type StoredIdentity, writeIdentity } from "../../consensus/io/index.ts";
import type { MemberClient } from "../../consensus/io/member-client.ts";

export interface AdmissionParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly client: Pick<MemberClient, "status" | "join">;
  /** What the last attempt met; for health. */
  readonly onRefused: (reason: Fault) => void;
}

export interface AdmissionOptions {
  readonly folder: string;
  readonly member: Member;
  /** Peer addresses of members. */
  readonly ask: readonly string[];
  /** What an earlier start has written down. */
  readonly earlier: StoredIdentity | null;
}

/** Between two rounds through the addresses. */
const pauseMs = 1_000;

/** Goes on until it is admitted. Faults: E_IDENTITY_WRITE, E_ADMISSION_ABORTED. */
export async function seekAdmission(
  parts: AdmissionParts,
  options: AdmissionOptions,
  signal: AbortSignal,
): Promise<Result<StoredIdentity>> {
  const { clock, logger, onRefused } = parts;
  let { earlier } = options;
  let told = "";
  while (!signal.aborted) {
    for (const address of options.ask) {
      const attempt = await askFor(parts, { ...options, earlier }, address, signal);
      if (attempt.ok && attempt.value.admitted) return ok(attempt.value.identity);
      if (signal.aborted) break;
      if (attempt.ok) {
        earlier = attempt.value.identity;
        continue;
      }
      const reason = attempt.fault;
      if (reason.code === "E_IDENTITY_WRITE") return failed(reason);
      onRefused(reason);
      if (told === `${address} ${reason.code}`) continue;
      told = `${address} ${reason.code}`;
      logger.warn("not admitted yet; it is tried again", { asked: address, ...reason });
    }
    await clock.sleep(pauseMs, signal);
  }
  return failed(fault("E_ADMISSION_ABORTED", "this node stops before it was admitted"));
}

interface Attempt {
  readonly admitted: boolean;
  readonly identity: StoredIdentity;
}

async function askFor(
  { client, logger }: AdmissionParts,
  { folder, member, ask, earlier }: AdmissionOptions,
  address: string,
  signal: AbortSignal,
): Promise<Result<Attempt>> {
  const status = await client.status(address, signal);
  if (!status.ok) return status;
  const { clusterId, membership } = status.value;
  if (earlier !== null && earlier.clusterId !== clusterId) {
    const message = `${address} is of cluster ${clusterId}, this node asked ${earlier.clusterId}`;
    return failed(fault("E_PEER_WRONG_CLUSTER", message, "remove raft/ to join the other one"));
  }
  const known = membersOf(membership).find(({ id }) => id === member.id);
  if (known !== undefined) {
    // Nobody but us can have asked under this id, once it was written down here.
    if (earlier !== null) return ok({ admitted: true, identity: earlier });
    return failed(knownAlready(member.id));
  }
  const asked = [...new Set([...ask, ...membersOf(membership).map((each) => each.address)])];
  const identity: StoredIdentity = { clusterId, nodeId: member.id, standing: "joining", asked };
  if (earlier === null) {
    const written = await writeIdentity(folder, identity);
    if (!written.ok) return written;
  }
  logger.info("asks for admission", { cluster: clusterId, asked: address });
  const joined = await client.join(address, { clusterId, member, promote: true }, signal);
  if (joined.ok) return ok({ admitted: true, identity });
  // Admitted by the attempt before, whose answer was lost.
  if (joined.fault.code === "E_MEMBER_EXISTS" || joined.fault.code === "E_OUTCOME_UNKNOWN") {
    return ok({ admitted: false, identity });
  }
  return failed(joined.fault);
}

function knownAlready(id: NodeId): Fault {
  return fault(
    "E_MEMBER_EXISTS",
    `the group has a member ${id} already, and this node has none of its data`,
    `if its disk was lost: \`meshmend member remove ${id}\` at another node; else give this one ` +
      "another --node-id",
  );
}
