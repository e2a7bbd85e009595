/**
 * The mesh of this machine: which way to batman-adv there is, who watches it, who changes it. With the
 * native addon by netlink, without it by batctl; lost messages are counted by the kernel program alone.
 */

import { existsSync } from "node:fs";
import type { Clock, HealthSource } from "../base/index.ts";
import type { NodeConfig } from "../config/index.ts";
import type { Actuator, Sensors } from "../mape-k/index.ts";
import { commandRunner } from "../mape-k/io/index.ts";
import type { BatmanPort } from "../mesh/batman/index.ts";
import {
  type BatadvNetlink,
  BatctlBatmanPort,
  NetlinkBatmanPort,
} from "../mesh/batman/io/index.ts";
import { BatmanWatch } from "./batman-watch.ts";
import { hasCapability } from "./capabilities.ts";
import { type FrameCounts, FrameLossSensor } from "./frame-loss-sensor.ts";
import { MeshActuator } from "./mesh-actuator.ts";

export interface OpenedMesh {
  readonly watch: BatmanWatch;
  readonly sensors: Pick<Sensors, "mesh" | "linkLoss">;
  readonly actuators: readonly Actuator[];
  readonly health: readonly HealthSource[];
}

/** The originator table of a thousand nodes, as JSON, is less. */
const maxBatctlBytes = 8 * 1_048_576;
const batctlLeastAgeMs = 900;
const modulePath = "/sys/module/batman_adv";

/** What the native addon gives, where it is. */
export interface NativeMesh {
  readonly netlink: BatadvNetlink | null;
  /** Null: nobody counts frames, so loss on links is not observed. */
  readonly counts: FrameCounts | null;
}

export const withoutNative: NativeMesh = { netlink: null, counts: null };

/** Null when the configuration wants none. */
export function openMesh(
  { mesh }: Pick<NodeConfig, "mesh">,
  parts: { readonly clock: Clock; readonly native: NativeMesh },
): OpenedMesh | null {
  if (mesh.interface === "none") return null;
  const { clock, native } = parts;
  const port: BatmanPort =
    native.netlink === null
      ? new BatctlBatmanPort({ run: commandRunner(clock, maxBatctlBytes) })
      : new NetlinkBatmanPort({ netlink: native.netlink });
  const watch = new BatmanWatch(
    { clock, port, isLoaded: () => existsSync(modulePath) },
    {
      meshInterface: mesh.interface,
      leastAgeMs: port.backEnd === "batctl" ? batctlLeastAgeMs : 0,
    },
  );
  const mayAct = hasCapability("CAP_NET_ADMIN") !== false;
  const meshInterface = () => watch.meshInterface;
  return {
    watch,
    sensors: {
      mesh: watch,
      ...(native.counts !== null && { linkLoss: new FrameLossSensor({ counts: native.counts }) }),
    },
    actuators: mayAct ? [new MeshActuator({ port, meshInterface })] : [],
    health: [watch],
  };
}
