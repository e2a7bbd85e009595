/** Carries what the loop does into the metric catalogue. */

import { unreachable } from "../base/index.ts";
import type {
  DecisionRecorder,
  Loop,
  LoopEvent,
  SymptomKind,
  TimeSeries,
} from "../mape-k/index.ts";
import type { NodeMetrics } from "../telemetry/index.ts";
import type { MeshDiscovery } from "./mesh-discovery.ts";

export function recordEvent(metrics: NodeMetrics, event: LoopEvent): void {
  switch (event.kind) {
    case "symptom-raised":
      metrics.symptomRaised(event.symptom.kind);
      break;
    case "decision-made": {
      const { kind } = event.decision.admission;
      metrics.decision(kind === "awaiting-confirmation" ? "awaiting" : kind);
      break;
    }
    case "verdict":
      if (event.decision.verdict !== null) metrics.verdict(event.decision.verdict.outcome);
      break;
    case "decision-changed": {
      const { phase, withdrawal } = event.decision;
      if (phase === "closed" && withdrawal !== null) metrics.withdrawal(withdrawal.outcome);
      break;
    }
    case "symptom-cleared":
    case "peer-appeared":
    case "peer-gone":
      break;
    default:
      unreachable(event);
  }
}

export interface NodeState {
  readonly loop: Pick<Loop, "symptoms" | "inboxDropped" | "findingsDropped">;
  readonly history: Pick<TimeSeries, "size" | "refused">;
  readonly recorder: Pick<DecisionRecorder, "lost">;
  readonly dropped: { readonly spans: () => number; readonly logLines: () => number };
}

/** What is a state and not an event: taken anew whenever it is asked for. */
export function recordState(metrics: NodeMetrics, state: NodeState): void {
  const { loop, history, recorder, dropped } = state;
  const byKind: Partial<Record<SymptomKind, number>> = {};
  for (const { kind } of loop.symptoms()) byKind[kind] = (byKind[kind] ?? 0) + 1;
  metrics.activeSymptoms(byKind);
  metrics.series(history.size);
  metrics.totals({
    inboxDropped: loop.inboxDropped,
    findingsDropped: loop.findingsDropped,
    decisionRecordsLost: recorder.lost,
    seriesRefused: history.refused,
    spansDropped: dropped.spans(),
    logLinesDropped: dropped.logLines(),
  });
}

/** The mesh, as it was last seen, and the ways around its troubles that are in force. */
export function recordMesh(
  metrics: NodeMetrics,
  loop: Pick<Loop, "repairsHeld" | "latestObservation">,
): void {
  metrics.repairsHeld(loop.repairsHeld);
  const seen = loop.latestObservation();
  const mesh = seen?.mesh ?? null;
  if (mesh === null) {
    metrics.mesh(null);
    return;
  }
  metrics.mesh({
    originators: mesh.originators,
    links: mesh.links,
    metric: mesh.algorithm === "BATMAN_IV" ? "tq" : "throughput",
    losses: seen?.linkLoss ?? [],
  });
  metrics.totals({ pathSwitches: mesh.pathSwitches });
}

/** Who else was found, and what was told of others and not taken. */
export function recordPeers(
  metrics: Pick<NodeMetrics, "peers" | "totals">,
  discovery: Pick<MeshDiscovery, "counts" | "refused">,
): void {
  metrics.peers(discovery.counts());
  metrics.totals({ discoveryRefused: discovery.refused });
}
