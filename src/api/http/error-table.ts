/**
 * Every code the HTTP face answers with, in one table; docs/error-codes.md is generated from it.
 * A code, once given out, keeps its meaning: programs match on it.
 */

export interface ErrorEntry {
  /** HTTP status; null for a fault that keeps the server from starting. */
  readonly status: number | null;
  readonly title: string;
  /** What it means, and what the reader can do. */
  readonly meaning: string;
}

export const errorTable = {
  E_MALFORMED_REQUEST: {
    status: 400,
    title: "Malformed request",
    meaning: "What arrived is not HTTP, or not whole. Check the client.",
  },
  E_MALFORMED_JSON: {
    status: 400,
    title: "Malformed JSON",
    meaning: "The body is empty, is not JSON, or has a forbidden key such as `__proto__`.",
  },
  E_INVALID_REQUEST: {
    status: 400,
    title: "Invalid request",
    meaning: "A parameter or a field of the body is not as expected; `errors` names each.",
  },
  E_HOST_MISSING: {
    status: 400,
    title: "Host header missing",
    meaning: "The request has no Host header, or more than one.",
  },
  E_ORIGIN_NOT_ALLOWED: {
    status: 403,
    title: "Origin not allowed",
    meaning: "A web page of another origin tried to change something on this node.",
  },
  E_NOT_FOUND: {
    status: 404,
    title: "No such route",
    meaning: "Nothing is served under this path; `GET /` lists what is.",
  },
  E_NO_SUCH_SUBJECT: {
    status: 404,
    title: "No such subject",
    meaning: "No series is kept of this subject; `GET /api/v1/mape-k/observations` lists them.",
  },
  E_NO_SUCH_DECISION: {
    status: 404,
    title: "No such decision",
    meaning: "No decision has this id, or it is older than what is kept (`loop.keepDecisions`).",
  },
  E_METHOD_NOT_ALLOWED: {
    status: 405,
    title: "Method not allowed",
    meaning: "The path exists, but not for this method; the Allow header names those that work.",
  },
  E_REQUEST_TIMEOUT: {
    status: 408,
    title: "Request timeout",
    meaning: "The request was not complete in time: 5 s for its header, 15 s for all of it.",
  },
  E_NOT_WAITING: {
    status: 409,
    title: "Decision does not wait",
    meaning: "The decision waits for no confirmation: it was answered, refused, or it expired.",
  },
  E_BODY_TOO_LARGE: {
    status: 413,
    title: "Body too large",
    meaning: "The body is longer than `http.maxBody`.",
  },
  E_URI_TOO_LONG: {
    status: 414,
    title: "Address too long",
    meaning: "The request's path and query are longer than 8 KiB.",
  },
  E_MEDIA_TYPE: {
    status: 415,
    title: "Unsupported media type",
    meaning: "A request that changes something must carry `Content-Type: application/json`.",
  },
  E_EXPECTATION: {
    status: 417,
    title: "Expectation failed",
    meaning: "The Expect header asks for something other than `100-continue`.",
  },
  E_HOST_NOT_ALLOWED: {
    status: 421,
    title: "Misdirected request",
    meaning:
      "The Host header names no loopback address. A page may have pointed its name at this node " +
      "(DNS rebinding); ask for `localhost` or `127.0.0.1`.",
  },
  E_HEADER_TOO_LARGE: {
    status: 431,
    title: "Header too large",
    meaning: "The header fields together are longer than 16 KiB.",
  },
  E_INTERNAL: {
    status: 500,
    title: "Internal error",
    meaning: "A bug, or a fault nobody foresaw. The node's log has the details.",
  },
  E_BUSY: {
    status: 503,
    title: "Busy",
    meaning: "The node cannot take this now; try again in a moment.",
  },
  E_STREAM_LIMIT: {
    status: 503,
    title: "Too many event streams",
    meaning: "64 clients already follow the events; close one of them.",
  },
  E_MESH_NOT_SEEN: {
    status: 503,
    title: "Mesh not seen",
    meaning:
      "This node sees no mesh now: there is none, or it cannot be read; `/health` says why under `batman`.",
  },
  E_NO_SUCH_MEMBER: {
    status: 404,
    title: "No such member",
    meaning: "The group has no member of this id, or none in the role that is asked for.",
  },
  E_MEMBER_EXISTS: {
    status: 409,
    title: "Member exists",
    meaning: "The group has a member of this id. A node that lost its disk joins under a new one.",
  },
  E_LAST_VOTER: {
    status: 409,
    title: "Last voter",
    meaning: "The change would leave the group without a voter.",
  },
  E_CHANGE_PENDING: {
    status: 409,
    title: "Change pending",
    meaning: "An earlier change of the group is not agreed on yet.",
  },
  E_QUORUM_AT_RISK: {
    status: 409,
    title: "Quorum at risk",
    meaning: "Too few voters of the group as it would be are in contact.",
  },
  E_NO_SUCCESSOR: {
    status: 409,
    title: "No successor",
    meaning: "No other voter, or not the one that is named, is fit to lead.",
  },
  E_TRANSFER_IN_PROGRESS: {
    status: 409,
    title: "Transfer in progress",
    meaning: "Leadership is being handed over; ask again in a moment.",
  },
  E_TRANSFER_FAILED: {
    status: 503,
    title: "Transfer failed",
    meaning: "Nobody took leadership over in time; the old leader goes on.",
  },
  E_NO_LEADER: {
    status: 503,
    title: "No leader",
    meaning:
      "No leader could be asked: an election is under way, or this side has no majority. Nothing was done.",
  },
  E_OVERLOADED: {
    status: 503,
    title: "Overloaded",
    meaning: "Too much waits to be agreed on. Nothing was done; ask again in a moment.",
  },
  E_DISK_FULL: {
    status: 507,
    title: "Disk full",
    meaning: "The leader's disk has no room. Nothing was done.",
  },
  E_OUTCOME_UNKNOWN: {
    status: 504,
    title: "Outcome unknown",
    meaning:
      "No majority confirmed it in time. It may or may not have been done: look, then retry.",
  },
  E_GROUP_UNAVAILABLE: {
    status: 503,
    title: "Group unavailable",
    meaning: "This node takes no part in its group; `/health` says why under `consensus`.",
  },
  E_NODE_STOPPING: {
    status: 503,
    title: "Node stopping",
    meaning: "This node is stopping. Nothing was done; ask another one.",
  },
  E_NO_SUCH_KEY: {
    status: 404,
    title: "No such key",
    meaning: "The store has no such key, or had none at the revision that was asked for.",
  },
  E_REVISION_MISMATCH: {
    status: 409,
    title: "Revision mismatch",
    meaning: "The key is not at the revision of `ifRevision`. Nothing was done; read it again.",
  },
  E_COMPACTED: {
    status: 410,
    title: "Compacted",
    meaning: "The revision is compacted away; ask for a later one.",
  },
  E_FUTURE_REVISION: {
    status: 400,
    title: "Future revision",
    meaning: "The store has not reached the revision yet.",
  },
  E_LEASE_NOT_FOUND: {
    status: 404,
    title: "No such lease",
    meaning: "There is no such lease; it ended, perhaps.",
  },
  E_STORE_FULL: {
    status: 507,
    title: "Store full",
    meaning: "The store has reached its quota. Nothing was done; compact, defragment, disarm.",
  },
  E_STORAGE_READ: {
    status: 503,
    title: "Storage cannot be read",
    meaning: "The record could not be read from the data directory; see `/health`.",
  },
  E_LISTEN_NOT_LOOPBACK: {
    status: null,
    title: "Address is not loopback",
    meaning:
      "The server listens on loopback only, for it has no authentication yet; tokens and mTLS " +
      "come in a later version. Put a reverse proxy with authentication on this host, or, at " +
      "your own risk, set `http.insecure`.",
  },
  E_ADDRESS_IN_USE: {
    status: null,
    title: "Address in use",
    meaning:
      "Something else listens there; stop it or choose another address with `--http` (HTTP) or " +
      "`--grpc` (keys).",
  },
  E_ADDRESS_NOT_AVAILABLE: {
    status: null,
    title: "Address not available",
    meaning: "This host has no such address.",
  },
  E_ADDRESS_NOT_PERMITTED: {
    status: null,
    title: "Address not permitted",
    meaning: "Ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one with `--http`.",
  },
  E_LISTEN_FAILED: {
    status: null,
    title: "Cannot listen",
    meaning: "The operating system refused for a reason of its own, which the message gives.",
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

/** The codes of answers, as opposed to those that keep the server from starting. */
export type ProblemCode = {
  [Code in keyof typeof errorTable]: (typeof errorTable)[Code]["status"] extends number
    ? Code
    : never;
}[keyof typeof errorTable];

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(errorTable, code) && errorTable[code as ProblemCode].status !== null;
}
