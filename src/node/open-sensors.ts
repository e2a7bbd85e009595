/** Which sensor of this machine fills which section of the observation, and which work by themselves. */

import type { Clock, Random } from "../base/index.ts";
import type { NodeConfig } from "../config/index.ts";
import { loadNative } from "../ebpf/io/load-native.ts";
import type { Sensors } from "../mape-k/index.ts";
import {
  InterfacesSensor,
  kernelRoots,
  NetlinkInterfacesSensor,
  networkProbes,
  PressureSensor,
  ProcessSensor,
  StorageSensor,
  TargetsSensor,
  TransportSensor,
  type WatchedInterfaces,
} from "../mape-k/io/index.ts";
import type { OpenedMesh } from "./open-mesh.ts";

/** From files each watched interface holds a few descriptors; far more than any mesh node has. */
const maxInterfaces = 4_096;
const maxConcurrentProbes = 16;

export interface OpenedSensors {
  readonly sensors: Sensors;
  /** Begins what goes on between the beats; it goes on, and holds the process, until they close. */
  start(): void;
}

export function openSensors(
  config: NodeConfig,
  parts: {
    readonly clock: Clock;
    readonly random: Random;
    /** Did the last write to the data directory succeed? */
    readonly writable: () => boolean;
    readonly mesh: OpenedMesh | null;
  },
): OpenedSensors {
  const { include, exclude } = config.interfaces;
  const { clock, random } = parts;
  const process = new ProcessSensor({ clock });
  const targets = new TargetsSensor(
    { clock, random, makeProbe: networkProbes(clock) },
    { targets: config.targets, maxConcurrent: maxConcurrentProbes },
  );
  const sensors = {
    interfaces: interfacesSensor({ include, exclude, maxInterfaces }),
    transport: new TransportSensor(kernelRoots),
    pressure: new PressureSensor(kernelRoots),
    storage: new StorageSensor({ writable: parts.writable }, { path: config.dataDir }),
    process,
    targets,
    ...parts.mesh?.sensors,
  };
  const start = () => {
    process.start();
    targets.start();
  };
  return { sensors, start };
}

/** By rtnetlink where the addon is there: it costs a beat a fifth of what the files do. */
function interfacesSensor(watched: WatchedInterfaces): NonNullable<Sensors["interfaces"]> {
  const probe = loadNative();
  return probe.kind === "available"
    ? new NetlinkInterfacesSensor({ netlink: probe.native }, watched)
    : new InterfacesSensor({ ...kernelRoots, ...watched });
}
