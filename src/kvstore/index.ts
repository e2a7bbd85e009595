/**
 * The agreed map: revisioned keys with transactions, leases and watches, as etcd's v3 API has them.
 * Whoever drives it brings a storage (the port is here, adapters in io/) and hands it the entries
 * that the log has committed.
 */

export { checkCommand, checkOperation } from "./check-request.ts";
export { decodeCommand, encodeCommand } from "./command-codec.ts";
export type { WatchAnswer, WatchEvent, WatchRequest } from "./event.ts";
export { watchRequest } from "./event.ts";
export { type KvFault, type KvFaultCode, kvFaults } from "./fault.ts";
export type { StoreHash } from "./hash.ts";
export { bytesOf, type Key, keyOf, keyOfText, prefixEnd } from "./key.ts";
export {
  type AppliedEntry,
  defaultKvOptions,
  type KvOptions,
  KvStateMachine,
  type KvStatus,
} from "./kv-state-machine.ts";
export type * from "./kv-storage.ts";
export { LeaseClock } from "./lease-clock.ts";
export { limits } from "./limits.ts";
export { isReadOnly } from "./read-transaction.ts";
export type * from "./request.ts";
export { deleteRangeRequest, noLease, putRequest, rangeRequest } from "./request.ts";
export { type SnapshotSummary, summarizeSnapshot } from "./snapshot-stream.ts";
export type { Lease, Position } from "./store-state.ts";
export type { Watcher } from "./watcher.ts";
