/**
 * The shapes of bpf/mesh-abi.h: sizes and offsets in bytes. A test compiles that header and compares,
 * so a field that moves there fails here. Names are the C ones in camel case.
 */

/** Of a running big-endian board as of the usual little-endian one: maps are in host byte order. */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export const meshLimits = {
  interfacePlaces: 64,
  probes: 4,
  maxNeighbours: 1024,
  maxPaths: 8192,
  maxSources: 4096,
  maxDenied: 1024,
} as const;

export const interfaceLayout = {
  bytes: 344,
  frames: 0,
  bytesPerProtocol: 104,
  verdicts: 208,
  troubles: 272,
  ogms: 312,
  mac: 320,
} as const;

export const streamLayout = {
  bytes: 88,
  receivedBits: 0,
  messages: 8,
  lost: 16,
  duplicates: 24,
  reordered: 32,
  strays: 40,
  restarts: 48,
  lastNs: 56,
  highest: 64,
  resumeAt: 68,
  intervalUs: 72,
  jitterUs: 76,
  quality: 80,
  window: 84,
  resumeKnown: 85,
  bursting: 86,
  ttl: 87,
} as const;

export const neighbourKeyLayout = { bytes: 12, ifindex: 0, mac: 4 } as const;

export const neighbourLayout = {
  bytes: 424,
  timer: 0,
  lock: 16,
  state: 20,
  firstNs: 24,
  lastNs: 32,
  frames: 40,
  bytesReceived: 48,
  silences: 56,
  intervalUs: 64,
  intervalStated: 68,
  timed: 69,
  streams: 72,
} as const;

export const pathKeyLayout = {
  bytes: 20,
  ifindex: 0,
  neighbour: 4,
  originator: 10,
  protocol: 16,
} as const;

export const pathLayout = { bytes: 96, lock: 0, stream: 8 } as const;

export const sourceKeyLayout = { bytes: 12, ifindex: 0, originator: 4 } as const;

export const sourceLayout = { bytes: 16, dueNs: 0, dropped: 8 } as const;

export const deniedKeyLayout = { bytes: 8, mac: 0 } as const;

export const settingsLayout = {
  bytes: 40,
  broadcastIntervalNs: 0,
  broadcastBurstNs: 8,
  forgetAfterNs: 16,
  denied: 24,
  silentAfterIntervals: 28,
  defaultIntervalUs: 32,
  burstWindow: 36,
  burstLost: 37,
  announceNeighbours: 38,
} as const;

export const eventLayout = {
  bytes: 32,
  atNs: 0,
  kind: 8,
  ifindex: 12,
  value: 16,
  neighbour: 20,
  stream: 26,
} as const;

/** `enum mesh_protocol`, in its order. */
export const protocols = [
  "foreign",
  "iv-ogm",
  "broadcast",
  "coded",
  "elp",
  "ogm2",
  "multicast",
  "unicast",
  "unicast-fragment",
  "unicast-4addr",
  "icmp",
  "unicast-tvlv",
  "unknown",
] as const;
export type Protocol = (typeof protocols)[number];

/** `enum mesh_verdict`, in its order. */
export const verdicts = [
  "pass-foreign",
  "pass-tracked",
  "pass-untracked",
  "pass-truncated",
  "pass-bad-version",
  "pass-bad-source",
  "drop-denied",
  "drop-rate",
] as const;
export type FrameVerdict = (typeof verdicts)[number];

/** `enum mesh_trouble`, in its order. */
export const troubles = [
  "path-table-full",
  "event-lost",
  "timer-failed",
  "aggregate-too-long",
  "contended",
] as const;
export type Trouble = (typeof troubles)[number];

/** `enum mesh_direct_stream`, in its order. */
export const directStreams = ["elp", "iv-ogm", "ogm2", "iv-echo"] as const;
export type DirectStream = (typeof directStreams)[number];

/** `enum mesh_event_kind`, from 1. */
export const eventKinds = [
  "new-neighbour",
  "silent",
  "returned",
  "burst-began",
  "burst-ended",
  "restarted",
] as const;
export type MeshEventKind = (typeof eventKinds)[number];
