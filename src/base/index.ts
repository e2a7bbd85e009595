/** The vocabulary every feature shares. It imports nothing. */

export { assert, unreachable } from "./assert.ts";
export { BoundedQueue } from "./bounded-queue.ts";
export type { Brand, NodeId } from "./brand.ts";
export type { Clock } from "./clock.ts";
export { type Health, type HealthSource, type HealthState, healthy } from "./health.ts";
export { type LogFields, type Logger, silentLogger } from "./logger.ts";
export { type Random, seededRandom } from "./random.ts";
export { type Fault, failed, fault, messageOf, ok, type Result } from "./result.ts";
export { timeOrderedId } from "./time-ordered-id.ts";
export { type Span, silentTracer, type Tracer } from "./tracer.ts";
