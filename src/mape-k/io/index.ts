/** The adapters of the loop: Linux sensors and actuators, and what is kept on disk. */

export { type FileActionJournal, openFileActionJournal } from "./file-action-journal.ts";
export { type LevelDecisionLog, openLevelDecisionLog } from "./level-decision-log.ts";
export { InterfaceActuator } from "./linux/interface-actuator.ts";
export { matchesAny } from "./linux/interface-name.ts";
export { InterfacesSensor, type InterfacesSensorOptions } from "./linux/interfaces-sensor.ts";
export { type KernelRoots, kernelRoots } from "./linux/kernel-roots.ts";
export { MtuActuator } from "./linux/mtu-actuator.ts";
export { type LinkNetlink, NetlinkInterfacesSensor } from "./linux/netlink-interfaces-sensor.ts";
export { PressureSensor } from "./linux/pressure-sensor.ts";
export { ProcessSensor } from "./linux/process-sensor.ts";
export { commandRunner, type RunCommand } from "./linux/run-command.ts";
export { StorageSensor } from "./linux/storage-sensor.ts";
export { networkProbes, type ProbedTarget, TargetsSensor } from "./linux/targets-sensor.ts";
export { TransportSensor } from "./linux/transport-sensor.ts";
export type { WatchedInterfaces } from "./linux/watched-interfaces.ts";
export { MemoryActionJournal } from "./memory-action-journal.ts";
export { MemoryDecisionLog } from "./memory-decision-log.ts";
export { TellActuator } from "./tell-actuator.ts";
