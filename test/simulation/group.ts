/** The simulated group as those see it who do things to it: nodes by role, time, and the wires. */

import type { NodeId } from "../../src/base/index.ts";
import type { Membership, RaftOptions } from "../../src/consensus/index.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import type { SimulatedNode } from "./simulated-node.ts";

export interface Group {
  readonly nodes: readonly SimulatedNode[];
  readonly network: SimulatedNetwork;
  readonly options: RaftOptions;
  /** Clients hold back until then: some plots need logs that do not grow. */
  quietUntilMs: number;
  nowMs(): number;
  plan(delayMs: number, run: () => void): void;
  /** Adds a node that knows nobody yet; null when there are enough. */
  addNode(): SimulatedNode | null;
  write(node: SimulatedNode, sizeBytes: number): void;
  /** A command of somebody who does not wait for an answer. */
  propose(node: SimulatedNode, payload: Uint8Array): void;
  nextRequestId(): number;
}

/** Of those who believe to lead, the one of the newest term. */
export function leaderOf({ nodes }: Group): SimulatedNode | undefined {
  let newest: SimulatedNode | undefined;
  for (const node of nodes) {
    if (node.leads && (node.state?.term ?? 0) > (newest?.state?.term ?? 0)) newest = node;
  }
  return newest;
}

/** The newest membership that any running node knows to be committed. */
export function committedMembership({ nodes }: Group): Membership {
  let latest = { index: -1, membership: emptyMembership };
  for (const { state } of nodes) {
    const placed = state?.memberships.at(state.commitIndex);
    if (placed !== undefined && placed.index > latest.index) latest = placed;
  }
  return latest.membership;
}

const emptyMembership: Membership = { voters: [], outgoing: null, learners: [] };

export function memberOf(index: number) {
  const id = `n${index + 1}` as NodeId;
  return { id, address: `${id}.simulation` };
}
