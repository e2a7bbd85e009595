/** Readings and observations with every part filled in; a test names only what matters to it. */

import type { NodeId } from "../../../../src/base/index.ts";
import type { Thresholds } from "../../../../src/mape-k/analyze/detector.ts";
import type { LoopPolicy } from "../../../../src/mape-k/loop/loop-state.ts";
import type {
  InterfaceReading,
  LinkLossReading,
  MeshLinkReading,
  MeshReading,
  Observation,
  TargetReading,
  TransportReading,
} from "../../../../src/mape-k/observation.ts";
import type { Subject } from "../../../../src/mape-k/subject.ts";
import { type Finding, type SymptomKind, symptomKey } from "../../../../src/mape-k/symptom.ts";

export const startWallMs = 1_700_000_000_000;

export function observation(of: Partial<Observation> = {}): Observation {
  const beat = of.beat ?? 1;
  return {
    interfaces: null,
    targets: null,
    transport: null,
    pressure: null,
    storage: null,
    process: null,
    mesh: null,
    linkLoss: null,
    beat,
    atMs: beat * 1_000,
    wallMs: startWallMs + beat * 1_000,
    faults: [],
    ...of,
  };
}

export function interfaceReading(of: Partial<InterfaceReading> = {}): InterfaceReading {
  return {
    name: "mesh0",
    index: 2,
    adminUp: true,
    operState: "up",
    mtuBytes: 1_500,
    stacked: false,
    carrierChanges: 1,
    rxBytes: 0,
    txBytes: 0,
    rxPackets: 0,
    txPackets: 0,
    rxErrors: 0,
    txErrors: 0,
    rxDrops: 0,
    txDrops: 0,
    ...of,
  };
}

export function targetReading(of: Partial<TargetReading> = {}): TargetReading {
  return {
    name: "gateway",
    url: "icmp://10.0.0.1",
    reachability: { kind: "reachable", latencyMs: 3 },
    failuresInARow: 0,
    probes: 10,
    failures: 0,
    ...of,
  };
}

export function transportReading(of: Partial<TransportReading> = {}): TransportReading {
  return { sentSegments: 0, retransmittedSegments: 0, listenOverflows: 0, listenDrops: 0, ...of };
}

export const peer = "02:00:00:00:00:03";

/** A link that carries one route, which could take another. */
export function meshLink(of: Partial<MeshLinkReading> = {}): MeshLinkReading {
  return {
    neighbour: peer,
    interface: "wlan0",
    lastSeenMs: 200,
    quality: 100_000,
    routes: 1,
    routesWithoutAlternative: 0,
    bestRouteQuality: 100_000,
    worstAlternativeQuality: 50_000,
    ...of,
  };
}

export function meshReading(of: Partial<MeshReading> = {}): MeshReading {
  return {
    name: "bat0",
    algorithm: "BATMAN_V",
    originators: 2,
    pathSwitches: 0,
    hopPenalty: 30,
    originatorIntervalMs: 1_000,
    gatewayMode: "off",
    interfaces: [
      {
        name: "wlan0",
        active: true,
        hopPenalty: 0,
        elpIntervalMs: 500,
        throughputOverrideKbps: 0,
      },
    ],
    links: [meshLink()],
    gateways: [],
    ...of,
  };
}

export function lossReading(of: Partial<LinkLossReading> = {}): LinkLossReading {
  const none = { expected: 0, received: 0, overdue: 0 };
  return { neighbour: peer, interface: "wlan0", ...none, echoes: none, ...of };
}

export function finding(kind: SymptomKind, subject: Subject, of: Partial<Finding> = {}): Finding {
  return {
    kind,
    subject,
    severity: "warning",
    confidence: 1,
    summary: `${kind} of ${subject}`,
    evidence: [],
    ...of,
  };
}

export function symptom(kind: SymptomKind, subject: Subject, of: Partial<Finding> = {}) {
  const found = finding(kind, subject, of);
  return { ...found, key: symptomKey(found), raisedWallMs: startWallMs, raisedBeat: 1 };
}

export const thresholds: Thresholds = {
  wantedInterfaces: [],
  burstWindowMs: 10_000,
  flapChanges: 5,
  flapWindowMs: 30_000,
  errorRatio: 0.01,
  dropRatio: 0.05,
  targetFailures: 3,
  retransmitRatio: 0.1,
  pressureRatio: 0.5,
  storageFreeRatio: 0.05,
  linkLossRatio: 0.3,
  silentIntervals: 3,
};

/** The configuration's own defaults, in mode `act`. */
export const policy: LoopPolicy = {
  node: "node-a" as NodeId,
  mode: "act",
  thresholds,
  plan: { mayRepair: () => true, verifyMs: 15_000 },
  guard: { budgetPerHour: 6, coolDownMs: 30_000, confirmMs: 900_000 },
  maxSymptoms: 4_096,
  maxDecisionsPerBeat: 64,
  actionKinds: new Set([
    ...(["tell", "interface-up", "interface-down", "interface-bounce"] as const),
    ...(["throughput-override", "interface-hop-penalty"] as const),
  ]),
};
