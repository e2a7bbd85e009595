/**
 * What two nodes must agree on before a message counts: version, cluster, and who they are. The
 * acceptor checks the Hello, the dialer the Welcome, so either end finds a stranger out by itself.
 */

import { type Fault, fault, type NodeId } from "../../base/index.ts";
import * as wire from "../../wire/meshmend/peer/v1/peer.ts";
import { protocolVersion } from "../message.ts";

/** Who this node is to the handshake. */
export interface LocalNode {
  readonly id: NodeId;
  readonly clusterId: string;
  /** What this node speaks; only a test has another one. */
  readonly protocolVersion?: number;
}

export type LaneName = "prompt" | "bulk";

const lanes = { prompt: wire.Lane.PROMPT, bulk: wire.Lane.BULK } as const;

export const versionOf = (local: LocalNode): number => local.protocolVersion ?? protocolVersion;

export function helloTo(peer: NodeId, lane: LaneName, local: LocalNode): wire.Hello {
  const { id: from, clusterId } = local;
  return { protocolVersion: versionOf(local), clusterId, from, to: peer, lane: lanes[lane] };
}

export function welcomeOf(local: LocalNode): wire.Welcome {
  const { id: nodeId, clusterId } = local;
  return { protocolVersion: versionOf(local), clusterId, nodeId };
}

export function laneOf({ lane }: wire.Hello): LaneName | null {
  if (lane === wire.Lane.PROMPT) return "prompt";
  return lane === wire.Lane.BULK ? "bulk" : null;
}

/**
 * Null when the sender may go on.
 * Faults: E_PEER_WRONG_VERSION, E_PEER_WRONG_CLUSTER, E_PEER_WRONG_NODE, E_PEER_MALFORMED.
 */
export function refusalOfHello(hello: wire.Hello, local: LocalNode): Fault | null {
  const refusal = refusalOfCaller(hello, local);
  if (refusal !== null) return refusal;
  if (laneOf(hello) === null) return fault("E_PEER_MALFORMED", "the stream has no known purpose");
  return null;
}

/** The same, without the lane. */
export function refusalOfCaller(caller: Omit<wire.Hello, "lane">, local: LocalNode): Fault | null {
  const { clusterId, from, to } = caller;
  const stranger = refusalOfVersionOrCluster(caller.protocolVersion, clusterId, local);
  if (stranger !== null) return stranger;
  if (to !== local.id) return wrongNode(`this is ${local.id}, not ${to}`);
  if (from === "" || from === local.id) return wrongNode(`${from || "nobody"} cannot be a peer`);
  return null;
}

/** The same, of the node that answered at a peer's address. */
export function refusalOfWelcome(
  welcome: wire.Welcome,
  peer: NodeId,
  local: LocalNode,
): Fault | null {
  const stranger = refusalOfVersionOrCluster(welcome.protocolVersion, welcome.clusterId, local);
  if (stranger !== null) return stranger;
  if (welcome.nodeId === peer) return null;
  return wrongNode(`${welcome.nodeId} answers at the address of ${peer}`);
}

function refusalOfVersionOrCluster(
  theirVersion: number,
  theirCluster: string,
  local: LocalNode,
): Fault | null {
  const refusal = refusalOfVersion(theirVersion, local);
  if (refusal !== null || theirCluster === local.clusterId) return refusal;
  const message = `one node is of cluster ${local.clusterId}, the other of ${theirCluster}`;
  return fault("E_PEER_WRONG_CLUSTER", message, "correct the address in the membership");
}

export function refusalOfVersion(theirVersion: number, local: LocalNode): Fault | null {
  const ourVersion = versionOf(local);
  if (theirVersion === ourVersion) return null;
  const message = `one node speaks version ${ourVersion} of the protocol, the other ${theirVersion}`;
  return fault("E_PEER_WRONG_VERSION", message, "run the same release of meshmend on both");
}

const wrongNode = (message: string): Fault =>
  fault("E_PEER_WRONG_NODE", message, "correct the address in the membership");

/** A refusal as the other side words it. It may be anybody's: it is cut to size and named as theirs. */
export function refusalFrom({ code, message }: wire.Refusal): Fault {
  const known = /^E_PEER_[A-Z_]{1,40}$/.test(code) ? code : "E_PEER_MALFORMED";
  return fault(known, `the peer refuses this node: ${message.slice(0, 200)}`);
}

/** Refusals that no retry cures: somebody has to change something first. */
export const permanentRefusals: ReadonlySet<string> = new Set([
  "E_PEER_WRONG_VERSION",
  "E_PEER_WRONG_CLUSTER",
  "E_PEER_WRONG_NODE",
  "E_PEER_INSECURE",
  "E_PEER_CREDENTIALS",
  "E_PEER_UNTRUSTED",
  "E_PEER_ADDRESS",
  "E_PEER_MALFORMED",
]);
