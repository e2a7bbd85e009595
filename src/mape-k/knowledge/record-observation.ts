/** Which numbers of an observation are kept as time series, and under which subject. */

import type {
  InterfaceReading,
  LinkLossReading,
  MeshLinkReading,
  MeshReading,
  Observation,
  PressureReading,
  ProcessReading,
  StorageReading,
  TargetReading,
  TransportReading,
} from "../observation.ts";
import { linkSubject, lossSubject, subject } from "../subject.ts";
import { columns, type TimeSeries } from "./time-series.ts";

/** Up as its users see it: wanted up, and either up or of a kind that does not say (RFC 2863 6). */
export function isOperational(reading: InterfaceReading): boolean {
  return reading.adminUp && (reading.operState === "up" || reading.operState === "unknown");
}

const interfaceColumns = columns<InterfaceReading>({
  counters: {
    carrierChanges: (reading) => reading.carrierChanges,
    rxBytes: (reading) => reading.rxBytes,
    txBytes: (reading) => reading.txBytes,
    rxPackets: (reading) => reading.rxPackets,
    txPackets: (reading) => reading.txPackets,
    rxErrors: (reading) => reading.rxErrors,
    txErrors: (reading) => reading.txErrors,
    rxDrops: (reading) => reading.rxDrops,
    txDrops: (reading) => reading.txDrops,
  },
  gauges: { operational: (reading) => (isOperational(reading) ? 1 : 0) },
});

const targetColumns = columns<TargetReading>({
  counters: {
    probes: (reading) => reading.probes,
    failures: (reading) => reading.failures,
  },
  gauges: {
    latencyMs: ({ reachability }) =>
      reachability.kind === "reachable" ? reachability.latencyMs : Number.NaN,
  },
});

const transportColumns = columns<TransportReading>({
  counters: {
    sentSegments: (reading) => reading.sentSegments,
    retransmittedSegments: (reading) => reading.retransmittedSegments,
    listenOverflows: (reading) => reading.listenOverflows,
    listenDrops: (reading) => reading.listenDrops,
  },
});

const pressureColumns = columns<PressureReading>({
  gauges: {
    someRatio: (reading) => reading.someRatio,
    fullRatio: (reading) => reading.fullRatio,
  },
});

const storageColumns = columns<StorageReading>({
  gauges: { availableBytes: (reading) => reading.availableBytes },
});

const processColumns = columns<ProcessReading>({
  counters: { cpuMs: (reading) => reading.cpuMs },
  gauges: {
    rssBytes: (reading) => reading.rssBytes,
    heapUsedBytes: (reading) => reading.heapUsedBytes,
    eventLoopDelayMaxMs: (reading) => reading.eventLoopDelayMaxMs,
  },
});

const meshColumns = columns<MeshReading>({
  counters: { pathSwitches: (reading) => reading.pathSwitches },
  gauges: {
    originators: (reading) => reading.originators,
    links: (reading) => reading.links.length,
  },
});

const linkColumns = columns<MeshLinkReading>({
  gauges: {
    quality: (reading) => reading.quality ?? Number.NaN,
    lastSeenMs: (reading) => reading.lastSeenMs,
    routes: (reading) => reading.routes,
  },
});

const lossColumns = columns<LinkLossReading>({
  counters: {
    expected: (reading) => reading.expected,
    received: (reading) => reading.received,
    echoesExpected: ({ echoes }) => echoes.expected,
    echoesReceived: ({ echoes }) => echoes.received,
  },
});

/** TCP counters belong to the node as a whole. */
export const transportSubject = subject("node", "transport");

export function recordObservation(into: TimeSeries, seen: Observation): void {
  const { atMs } = seen;
  for (const reading of seen.interfaces ?? []) {
    into.record(subject("interface", reading.name), interfaceColumns, reading, atMs);
  }
  for (const reading of seen.targets ?? []) {
    into.record(subject("target", reading.name), targetColumns, reading, atMs);
  }
  for (const reading of seen.pressure ?? []) {
    into.record(subject("resource", reading.resource), pressureColumns, reading, atMs);
  }
  for (const reading of seen.storage ?? []) {
    into.record(subject("storage", reading.path), storageColumns, reading, atMs);
  }
  if (seen.transport !== null) {
    into.record(transportSubject, transportColumns, seen.transport, atMs);
  }
  if (seen.mesh !== null) {
    into.record(subject("mesh", seen.mesh.name), meshColumns, seen.mesh, atMs);
    for (const link of seen.mesh.links) into.record(linkSubject(link), linkColumns, link, atMs);
  }
  for (const reading of seen.linkLoss ?? []) {
    into.record(lossSubject(reading), lossColumns, reading, atMs);
  }
  if (seen.process !== null) {
    into.record(subject("node", "process"), processColumns, seen.process, atMs);
  }
}
