/**
 * What a caller is told when it does not work, and the one distinction that matters to it: every
 * fault says that nothing was done, except E_OUTCOME_UNKNOWN, after which only a look tells.
 */

import { type Fault, fault } from "../../base/index.ts";

export const outcomeUnknown = (why: string): Fault =>
  fault("E_OUTCOME_UNKNOWN", `it may or may not have been done: ${why}`, "read before you retry");

export const noLeader = fault(
  "E_NO_LEADER",
  "no leader could be asked in time: an election is under way, or this side has no majority",
  "nothing was done; ask again, or ask a node of the other side",
);

export const stopping = fault("E_NODE_STOPPING", "this node is stopping", "ask another node");

export const cancelled = fault("E_CANCELLED", "whoever asked has gone; nothing was done");

export const overloaded = fault(
  "E_OVERLOADED",
  "too much waits to be agreed on or read here",
  "ask again in a moment",
);

/** Refusals that pass by themselves, and after which surely nothing was done. */
const passing = new Set([
  "E_NOT_LEADER",
  "E_NO_LEADER",
  "E_TRANSFER_IN_PROGRESS",
  "E_LEADERSHIP_LOST",
  "E_READ_TIMEOUT",
  "E_PEER_UNREACHABLE",
  "E_NODE_STOPPING",
  "E_NOT_STARTED",
]);

export const passes = ({ code }: Fault): boolean => passing.has(code);
