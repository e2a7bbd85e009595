/** The door of the composition root. */

export { recoverAlone } from "./consensus/recover-alone.ts";
export { dryRunHere } from "./dry-run-here.ts";
export { type NodeEnd, runNode } from "./run-node.ts";
export { systemClock } from "./system-clock.ts";
