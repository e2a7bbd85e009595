/** The door of the feature: what the kernel's eyes saw, as plain data, and pure decisions on it. */

export { macBytes } from "./decode.ts";
export { combined, type Feature, type FeatureAnswer } from "./feature.ts";
export {
  type DropReading,
  decodeDrops,
  decodeLatencies,
  decodeTotals,
  type LatencyReading,
  latencyQuantileUs,
} from "./latency-reading.ts";
export { decodeEvents, type MeshEvent } from "./mesh-event.ts";
export {
  decodeInterface,
  decodeNeighbours,
  decodePaths,
  type InterfaceCounters,
  type NeighbourReading,
  type PathReading,
  type StreamReading,
} from "./mesh-reading.ts";
export {
  decodeFilter,
  defaultMeshSettings,
  encodeSettings,
  type FrameFilter,
  type MeshSettings,
} from "./mesh-settings.ts";
export { perSecond, recentLoss, streamRate } from "./rates.ts";
export {
  type Attachment,
  isLeftover,
  meshProgramName,
  type Occupant,
  type PresentInterface,
  type Refusal,
  reconcile,
  type Step,
  type XdpMode,
} from "./reconcile.ts";
export { stalePaths } from "./stale-paths.ts";
