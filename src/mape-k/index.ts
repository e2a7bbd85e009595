/** The control loop's one door. */

export { type Action, type ActionKind, describeAction, isDisruptive } from "./action.ts";
export type { Thresholds } from "./analyze/detector.ts";
export type { Decision, DecisionId, Mode, Plan, Verdict } from "./decision.ts";
export type { LoopEvent, NumberedEvent } from "./event.ts";
export type { ActionJournal, OpenAction } from "./execute/action-journal.ts";
export type { Actuator } from "./execute/actuator.ts";
export { Executor } from "./execute/executor.ts";
export type { DecisionLog, DecisionQuery } from "./knowledge/decision-log.ts";
export { DecisionRecorder } from "./knowledge/decision-recorder.ts";
export { EventFeed } from "./knowledge/event-feed.ts";
export { TimeSeries } from "./knowledge/time-series.ts";
export { Loop, type LoopOptions, type LoopParts, type Phase } from "./loop/loop.ts";
export type { LoopPolicy } from "./loop/loop-state.ts";
export type { BeatStatistics, DryRun, LoopView, SeriesSlice } from "./loop/loop-view.ts";
export { Monitor } from "./monitor/monitor.ts";
export type { Sensor, Sensors } from "./monitor/sensor.ts";
export type { Observation, SectionName } from "./observation.ts";
export type { Subject } from "./subject.ts";
export type { Symptom, SymptomKind } from "./symptom.ts";
