/** A small client of the agreed map, for programs that want its full speed. */

export type { ClientStream } from "./client-stream.ts";
export { KvClient, type KvClientOptions } from "./kv-client.ts";
export {
  deleteRequest,
  fromKey,
  type KeyRange,
  oneKey,
  putRequest,
  rangeRequest,
  watchRequest,
  withPrefix,
} from "./requests.ts";
