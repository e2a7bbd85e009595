/**
 * Puts one member of a group together: log and snapshots on disk, peers on the network, and the
 * driver between them. What is agreed on is whatever state machine it is handed.
 */

import { join } from "node:path";
import {
  type Clock,
  type Fault,
  failed,
  type Logger,
  type NodeId,
  ok,
  type Random,
  type Result,
} from "../../base/index.ts";
import type { HostPort } from "../../config/index.ts";
import {
  asTerm,
  defaultDriverOptions,
  emptyMembership,
  type Member,
  membersOf,
  protocolVersion,
  RaftNode,
  type RaftOptions,
  type StateMachine,
} from "../../consensus/index.ts";
import { SegmentedLog, SnapshotFiles } from "../../consensus/io/index.ts";
import type { LeaderFault, MemberHandlers } from "../../consensus/io/member-calls.ts";
import type { PeerSecurity } from "../../consensus/io/peer-credentials.ts";
import { lonelyLeader, lonelyTransport } from "./lonely-peers.ts";
import { openPeerPort, type PeerPort } from "./peer-port.ts";

export interface MemberParts<Reply> {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly stateMachine: StateMachine<Reply>;
  readonly onPersisted?: (tookMs: number) => void;
}

export interface MemberOptions {
  /** Holds `log/` and `snapshots/`; the caller holds the lock on it. */
  readonly folder: string;
  readonly id: NodeId;
  readonly clusterId: string;
  /** Whether there may be no log yet. */
  readonly mayCreate: boolean;
  readonly founders: readonly Member[] | null;
  /** What the group calls the peer port. */
  readonly address: string;
  /** Null: no peer port. */
  readonly listen: HostPort | null;
  readonly security: PeerSecurity;
  readonly raft: RaftOptions;
  readonly segmentBytes?: number;
}

export interface OpenedMember<Reply> {
  readonly node: RaftNode<Reply>;
  readonly peers: PeerPort | null;
  /** Hands leadership over, then stops. Never throws. */
  stop(): Promise<void>;
}

/** Runs when it answers. Faults: those of the log, the snapshots, the driver and the peer port. */
export async function openMember<Reply>(
  parts: MemberParts<Reply>,
  options: MemberOptions,
): Promise<Result<OpenedMember<Reply>>> {
  const { clock, random, logger } = parts;
  const { id, clusterId, folder, mayCreate, founders, raft, segmentBytes } = options;
  const snapshots = new SnapshotFiles({ clock, logger }, { folder: join(folder, "snapshots") });
  const whole = await snapshots.start();
  if (!whole.ok) return whole;
  const log = new SegmentedLog(
    { clock, random, logger },
    {
      folder: join(folder, "log"),
      clusterId,
      nodeId: id,
      mayCreate,
      ...(segmentBytes !== undefined && { segmentBytes }),
    },
  );
  const local = { id, clusterId, address: options.address };
  const handlers = memberHandlers(local, () => node);
  const { listen, security } = options;
  const peers =
    listen === null ? null : await openPeerPort(parts, { listen, security, local }, handlers);
  const node: RaftNode<Reply> = new RaftNode(
    {
      ...parts,
      log,
      snapshots,
      transport: peers?.transport ?? lonelyTransport,
      leader: peers?.leader ?? lonelyLeader,
      defer: setImmediate,
    },
    { ...defaultDriverOptions, id, clusterId, raft, founders },
  );
  const stop = async () => {
    await node.stop();
    await peers?.close();
    await snapshots.stop();
  };
  // The port first: it may be somebody else's, and then nothing was begun.
  const listening = peers === null ? ok(undefined) : await peers.listen();
  const started = listening.ok ? await node.start() : listening;
  if (started.ok) return ok({ node, peers, stop });
  await stop();
  return failed(started.fault);
}

/** What this member does for others. */
function memberHandlers<Reply>(
  { id, clusterId }: { readonly id: NodeId; readonly clusterId: string },
  driver: () => RaftNode<Reply>,
): MemberHandlers {
  const leaderOf = (): Member | null => {
    const status = driver().status();
    const members = status === null ? [] : membersOf(status.membership);
    return members.find(({ id }) => id === status?.leaderId) ?? null;
  };
  const refused = (reason: Fault) => {
    const told: LeaderFault = { ...reason, leader: leaderOf() };
    return failed(told);
  };
  const membership = () => driver().status()?.membership ?? emptyMembership;
  return {
    async propose(commands) {
      const accepted = await driver().accept(commands);
      if (!accepted.ok) return refused(accepted.fault);
      const { term, firstIndex } = accepted.value;
      return ok({ term, firstIndex, results: [] });
    },
    async changeMembership(changes, signal) {
      const changed = await driver().changeMembership(changes, signal);
      return changed.ok ? ok(membership()) : refused(changed.fault);
    },
    async transferLeadership(target, signal) {
      const handed = await driver().transferLeadership(target, signal);
      if (!handed.ok) return refused(handed.fault);
      return ok(driver().status()?.leaderId ?? target ?? ("" as NodeId));
    },
    async join({ member, promote }, signal) {
      const change = { kind: "add-learner", member, promote } as const;
      const added = await driver().changeMembership([change], signal);
      return added.ok ? ok({ clusterId, membership: membership() }) : refused(added.fault);
    },
    status() {
      const seen = driver().status();
      return {
        protocolVersion,
        clusterId,
        nodeId: id,
        role: seen?.role ?? "follower",
        term: seen?.term ?? asTerm(0),
        leaderId: seen?.leaderId ?? null,
        membership: membership(),
        commitIndex: seen?.commitIndex ?? 0,
        appliedIndex: seen?.appliedIndex ?? 0,
        lastIndex: seen?.lastIndex ?? 0,
      };
    },
  };
}
