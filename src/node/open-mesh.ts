/**
 * The mesh of this machine: which way to batman-adv there is, who watches it, who changes it. With the
 * native addon by netlink, without it by batctl; lost messages are counted by the kernel program alone.
 */

import { existsSync } from "node:fs";
import { type Clock, type Fault, failed, type HealthSource, type Logger } from "../base/index.ts";
import type { NodeConfig } from "../config/index.ts";
import { defaultMeshSettings, type MeshEvent } from "../ebpf/index.ts";
import { loadNative } from "../ebpf/io/load-native.ts";
import { MeshWatch } from "../ebpf/io/mesh-watch.ts";
import type { Native } from "../ebpf/io/native-contract.ts";
import type { Actuator, Sensors } from "../mape-k/index.ts";
import { commandRunner } from "../mape-k/io/index.ts";
import type { BatmanPort } from "../mesh/batman/index.ts";
import { BatctlBatmanPort, NetlinkBatmanPort } from "../mesh/batman/io/index.ts";
import { BatmanWatch } from "./batman-watch.ts";
import { hasCapability } from "./capabilities.ts";
import { FrameFilterActuator, type FrameFilterPort } from "./frame-filter-actuator.ts";
import { FrameLossSensor, type FrameProgram } from "./frame-loss-sensor.ts";
import { MeshActuator } from "./mesh-actuator.ts";

export interface OpenedMesh {
  readonly watch: BatmanWatch;
  readonly sensors: Pick<Sensors, "mesh" | "linkLoss">;
  readonly actuators: readonly Actuator[];
  readonly health: readonly HealthSource[];
  /** Whom the kernel program tells of a neighbour's silence or of losses, as it happens. */
  onTrouble(listener: () => void): void;
}

/** The originator table of a thousand nodes, as JSON, is less. */
const maxBatctlBytes = 8 * 1_048_576;
const batctlLeastAgeMs = 900;
/** What the next beat should not wait with. It looks for itself: an event decides nothing. */
const troubles: readonly MeshEvent["kind"][] = ["silent", "burst-began"];
/** For a look at the link, not for a verdict: two lost messages in a row of eight. */
const burst = { window: 8, lost: 2 };
const modulePath = "/sys/module/batman_adv";

/** Null when the configuration wants none. Nothing is loaded before there is a mesh. */
export function openMesh(
  { mesh }: { readonly mesh: Pick<NodeConfig["mesh"], "interface"> },
  parts: { readonly clock: Clock; readonly logger: Logger },
): OpenedMesh | null {
  if (mesh.interface === "none") return null;
  const { clock, logger } = parts;
  const probe = loadNative();
  if (probe.kind !== "available") {
    logger.info("the native addon cannot be used: batctl is asked, loss on links is not observed", {
      why: probe.why,
    });
  }
  const port: BatmanPort =
    probe.kind === "available"
      ? new NetlinkBatmanPort({ netlink: probe.native })
      : new BatctlBatmanPort({ run: commandRunner(clock, maxBatctlBytes) });
  const watch = new BatmanWatch(
    { clock, port, isLoaded: () => existsSync(modulePath) },
    {
      meshInterface: mesh.interface,
      leastAgeMs: port.backEnd === "batctl" ? batctlLeastAgeMs : 0,
    },
  );
  const wanted = () => watch.seen?.tables.hardInterfaces.map(({ name }) => name) ?? null;
  let trouble = () => {};
  const onEvents = (events: readonly MeshEvent[]) => {
    if (events.some(({ kind }) => troubles.includes(kind))) trouble();
  };
  const program = probe.kind === "available" ? meshWatch(probe, logger, onEvents) : null;
  const frames =
    program === null
      ? null
      : new FrameLossSensor({ clock, wanted, program: frameProgram(program, logger) });
  const mayAct = hasCapability("CAP_NET_ADMIN") !== false;
  const meshInterface = () => watch.meshInterface;
  const whyNot = () => frames?.startFault ?? null;
  const filters =
    program === null
      ? []
      : [new FrameFilterActuator({ filter: filterOf(program, whyNot), meshInterface })];
  return {
    watch,
    sensors: { mesh: watch, ...(frames !== null && { linkLoss: frames }) },
    actuators: mayAct ? [new MeshActuator({ port, meshInterface }), ...filters] : [],
    health: [watch, ...(frames === null ? [] : [frames])],
    onTrouble(listener) {
      trouble = listener;
    },
  };
}

function meshWatch(
  { native, folder }: { readonly native: Native; readonly folder: string },
  logger: Logger,
  onEvents: (events: readonly MeshEvent[]) => void,
): MeshWatch {
  return new MeshWatch(
    { native, logger, onEvents },
    { folder, settings: { ...defaultMeshSettings, burst }, modes: ["native", "generic"] },
  );
}

/** `whyNot`: why the program does not run. */
function filterOf(program: MeshWatch, whyNot: () => Fault | null): FrameFilterPort {
  return {
    read() {
      const fault = whyNot();
      return fault === null ? program.filter() : failed(fault);
    },
    setDenied: (addresses) => program.setDenied(addresses),
    setBroadcastLimit: (broadcastLimit) =>
      program.configure({ ...program.settings(), broadcastLimit }),
  };
}

function frameProgram(watch: MeshWatch, logger: Logger): FrameProgram {
  return {
    start: () => watch.start(),
    watch: (names) => watch.watch(names),
    attached: () => watch.attached(),
    read: () => watch.read(),
    tidy() {
      const reading = watch.read();
      const tidied = reading.ok ? watch.forgetStale(reading.value.paths) : reading;
      if (!tidied.ok) logger.warn("stale paths stay", { fault: tidied.fault });
    },
    stop: () => watch.stop(),
    health: () => watch.health(),
  };
}
