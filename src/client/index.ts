/** A small client of the agreed map, for programs that want its full speed. */

export { KvClient, type KvClientOptions } from "./kv-client.ts";
