/** Why a node takes no part in its group, or none any more, and what to do about each. */

import { type Fault, fault, type NodeId } from "../../base/index.ts";
import type { StoredIdentity } from "../../consensus/io/index.ts";

/** What keeps the whole process from starting: somebody has to decide something first. */
export const decisiveFaults: ReadonlySet<string> = new Set([
  "E_REMOVED",
  "E_NODE_ID_CHANGED",
  "E_PEER_REQUIRED",
  "E_PEER_INSECURE",
  "E_PEER_CREDENTIALS",
  "E_PEER_LISTEN",
]);

export const unavailable = (why: string): Fault =>
  fault("E_GROUP_UNAVAILABLE", `this node takes no part in its group: ${why}`, "see /health");

export const removed = (folder: string): Fault =>
  fault(
    "E_REMOVED",
    "the group has removed this node, and it must not vote again",
    `to take it in anew: remove ${folder} and start it with --join`,
  );

export const renamed = (stored: StoredIdentity, nodeId: NodeId): Fault =>
  fault(
    "E_NODE_ID_CHANGED",
    `this data is that of member ${stored.nodeId}, the configuration says ${nodeId}`,
    `start it with --node-id ${stored.nodeId}, or with another data directory`,
  );

export const joinAgain = (stored: StoredIdentity | null): Fault =>
  fault(
    "E_JOIN_REQUIRED",
    `the admission to cluster ${stored?.clusterId ?? ""} was not finished`,
    "start it with --join again, or remove raft/ from the data directory",
  );

export const portRequired = (clusterId: string): Fault =>
  fault(
    "E_PEER_REQUIRED",
    `cluster ${clusterId} has other members, and this node has no peer port`,
    "set cluster.peer, or give --peer HOST:PORT",
  );
