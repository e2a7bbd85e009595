/** From the names and units of meshmend.yaml to those of the program, which carry the unit. */

import { resolve } from "node:path";
import { assert, type NodeId } from "../base/index.ts";
import type { WrittenConfig } from "./config-schema.ts";
import type { DiscoveryConfig, HostPort, NodeConfig } from "./node-config.ts";
import { readHostPort } from "./notation.ts";

export function toNodeConfig(written: WrittenConfig, workingDirectory: string): NodeConfig {
  const { http, loop, mesh, repair, thresholds } = written;
  const listen = checkedAddress(http.listen);
  return {
    nodeId: written.nodeId as NodeId,
    dataDir: resolve(workingDirectory, written.dataDir),
    mode: written.mode,
    http: {
      listen,
      maxBodyBytes: http.maxBody,
      maxConnections: http.maxConnections,
      insecure: http.insecure,
    },
    loop: {
      periodMs: loop.period,
      // No detector looks further back than the flapping one: what it asks for must be there.
      windowBeats: Math.max(loop.window, Math.ceil(thresholds.flapWindow / loop.period) + 1),
      maxSeries: loop.maxSeries,
      keepDecisions: loop.keepDecisions,
    },
    interfaces: written.interfaces,
    mesh: { interface: mesh.interface, discovery: toDiscovery(mesh.discovery) },
    targets: written.targets.map(({ name, url, interval, timeout }) => {
      return { name, url, intervalMs: interval, timeoutMs: timeout };
    }),
    repair: {
      interfaces: repair.interfaces,
      budgetPerHour: repair.budgetPerHour,
      coolDownMs: repair.coolDown,
      verifyMs: repair.verify,
      confirmMs: repair.confirm,
    },
    thresholds: {
      flapChanges: thresholds.flapChanges,
      flapWindowMs: thresholds.flapWindow,
      errorRatio: thresholds.errorRatio,
      dropRatio: thresholds.dropRatio,
      targetFailures: thresholds.targetFailures,
      retransmitRatio: thresholds.retransmitRatio,
      pressureRatio: thresholds.pressureRatio,
      storageFreeRatio: thresholds.storageFreeRatio,
      linkLossRatio: thresholds.linkLossRatio,
      silentIntervals: thresholds.silentIntervals,
    },
    log: written.log,
    telemetry: written.telemetry,
  };
}

function toDiscovery(written: WrittenConfig["mesh"]["discovery"]): DiscoveryConfig {
  const { seeds, announce, ...same } = written;
  return { ...same, seeds: seeds.map(checkedAddress), announceIntervalMs: announce };
}

function checkedAddress(text: string): HostPort {
  const address = readHostPort(text);
  assert(address !== null, "an address that was checked");
  return address;
}
