/** The control loop's one door. */

export {
  type Action,
  describeAction,
  type HandledKind,
  restoreOf,
  type SettingAction,
} from "./action.ts";
export type { Decision, DecisionId } from "./decision.ts";
export type { LoopEvent, NumberedEvent } from "./event.ts";
export type { Actuator, ActuatorFaultCode } from "./execute/actuator.ts";
export { Executor } from "./execute/executor.ts";
export { DecisionRecorder } from "./knowledge/decision-recorder.ts";
export { EventFeed } from "./knowledge/event-feed.ts";
export { TimeSeries } from "./knowledge/time-series.ts";
export { Loop } from "./loop/loop.ts";
export type { LoopPolicy } from "./loop/loop-state.ts";
export type { DryRun } from "./loop/loop-view.ts";
export { Monitor } from "./monitor/monitor.ts";
export type { Sensor, Sensors } from "./monitor/sensor.ts";
export type { LinkLossReading, MeshReading, MessageCount, Observation } from "./observation.ts";
export type { Symptom, SymptomKind } from "./symptom.ts";
