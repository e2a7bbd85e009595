/** The mesh's one door: its graph, where it breaks, and the forms others read it in. */

export { findWeakness, type Graph } from "./connectivity.ts";
export { toDot } from "./dot.ts";
export { type Meshviewer, toMeshviewer } from "./meshviewer.ts";
export { type GraphOrigin, type NetworkGraph, toNetJson } from "./net-json.ts";
export {
  type Peer,
  type PeerClaim,
  PeerRoster,
  type PeerSource,
  peerSources,
  type RosterChange,
  type Sighting,
} from "./peer-roster.ts";
export {
  type LinkQuality,
  type LinkView,
  mergeViews,
  type NodeView,
  type Topology,
  withNames,
} from "./topology.ts";
