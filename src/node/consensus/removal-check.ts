/**
 * Whether the group has let this node go while it was down. Nobody tells it then: to the others it is a
 * stranger. So while it hears of no leader it asks those it knows. A leader that has kept its quorum
 * for several looks has agreed with it on the membership it shows, so its word counts, and only that.
 */

import type { Clock, NodeId } from "../../base/index.ts";
import { type DriverStatus, type Member, membersOf } from "../../consensus/index.ts";
import type { MemberStatus } from "../../consensus/io/member-calls.ts";

export interface RemovalCheckParts {
  readonly clock: Clock;
  readonly status: () => DriverStatus | null;
  /** Null when that member does not answer. */
  readonly ask: (member: Member, signal: AbortSignal) => Promise<MemberStatus | null>;
}

const pauseMs = 1_000;
/** An election timeout without a quorum ends a leader; this is many. */
const looks = 5;

/** Resolves to true once the group has gone on without this node, to false when `signal` aborts. */
export async function removedMeanwhile(
  { clock, status, ask }: RemovalCheckParts,
  clusterId: string,
  signal: AbortSignal,
): Promise<boolean> {
  let seen = 0;
  while (!signal.aborted) {
    await clock.sleep(pauseMs, signal);
    const own = status();
    const leaderless = own !== null && own.leaderId === null;
    const gone = leaderless && (await isGone(own, clusterId, ask, signal));
    seen = gone ? seen + 1 : 0;
    if (seen >= looks) return true;
  }
  return false;
}

async function isGone(
  own: DriverStatus,
  clusterId: string,
  ask: RemovalCheckParts["ask"],
  signal: AbortSignal,
): Promise<boolean> {
  const others = membersOf(own.membership).filter(({ id }) => id !== own.id);
  const answers = await Promise.all(others.map((member) => ask(member, signal)));
  return answers.some((answer) => answer !== null && excludes(answer, own, clusterId));
}

function excludes(answer: MemberStatus, own: DriverStatus, clusterId: string): boolean {
  const has = (id: NodeId) => membersOf(answer.membership).some((member) => member.id === id);
  return (
    answer.clusterId === clusterId &&
    answer.role === "leader" &&
    answer.term >= own.term &&
    answer.commitIndex >= own.commitIndex &&
    !has(own.id)
  );
}
