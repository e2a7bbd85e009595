/** What agreement stands on: the log, snapshots, identity and lock in a node's data directory. */

export { type FileSystem, nodeFileSystem, type OpenFile } from "./file-system.ts";
export { lockFolder } from "./folder-lock.ts";
export { readIdentity, writeIdentity } from "./identity-file.ts";
export { SegmentedLog, type SegmentedLogOptions } from "./segmented-log.ts";
export { SnapshotFiles } from "./snapshot-files.ts";
