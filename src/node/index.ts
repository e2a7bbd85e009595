/** The door of the composition root. */

export { recoverAlone } from "./consensus/recover-alone.ts";
export { dryRunHere } from "./dry-run-here.ts";
export { restoreSnapshot } from "./kv/restore-snapshot.ts";
export { snapshotStatus, snapshotWriter } from "./kv/snapshot-file.ts";
export { type NodeEnd, runNode } from "./run-node.ts";
export { systemClock } from "./system-clock.ts";
