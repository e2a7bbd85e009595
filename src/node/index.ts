/** The door of the composition root. */

export { dryRunHere } from "./dry-run-here.ts";
export { type NodeEnd, runNode } from "./run-node.ts";
export { systemClock } from "./system-clock.ts";
