/** The door of the composition root. */

export { type Capability, hasCapability } from "./capabilities.ts";
export { createNode, type NodeParts, type RunningNode } from "./create-node.ts";
export { type DryRunReport, dryRunHere } from "./dry-run-here.ts";
export { type NodeEnd, runNode } from "./run-node.ts";
export { systemClock } from "./system-clock.ts";
export { packageVersion } from "./version.ts";
