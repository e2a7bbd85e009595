import { describe, expectTypeOf, it } from "vitest";
import type { LoopPort, MetricsPort, ShownDecision } from "../../../src/api/http/ports.ts";
import type { Admission, Decision, RefusalCode } from "../../../src/mape-k/decision.ts";
import type { LoopEvent } from "../../../src/mape-k/event.ts";
import type { LoopView } from "../../../src/mape-k/loop/loop-view.ts";
import type { Observation, Reachability } from "../../../src/mape-k/observation.ts";
import type { SymptomKind } from "../../../src/mape-k/symptom.ts";
import type { NodeMetrics } from "../../../src/telemetry/index.ts";

describe("the ports of the HTTP face", () => {
  it("are fulfilled by the loop and by the metrics of the node, as they are", () => {
    // An assignment, not `toExtend`: methods are compared as a call site would compare them.
    const loopPort = (view: LoopView): LoopPort => view;
    const metricsPort = (metrics: NodeMetrics): MetricsPort => metrics;
    expectTypeOf(loopPort).returns.toEqualTypeOf<LoopPort>();
    expectTypeOf(metricsPort).returns.toEqualTypeOf<MetricsPort>();
  });

  it("promise in their schemas no field less and no field more than the loop's records have", () => {
    expectTypeOf<keyof ShownDecision>().toEqualTypeOf<keyof Decision>();
    expectTypeOf<keyof ShownDecision["symptom"]>().toEqualTypeOf<keyof Decision["symptom"]>();
    expectTypeOf<keyof ShownDecision["plan"]>().toEqualTypeOf<keyof Decision["plan"]>();
    type Shown = NonNullable<ReturnType<LoopPort["latestObservation"]>>;
    expectTypeOf<keyof Shown>().toEqualTypeOf<keyof Observation>();
    type Interface = NonNullable<Observation["interfaces"]>[number];
    expectTypeOf<keyof NonNullable<Shown["interfaces"]>[number]>().toEqualTypeOf<keyof Interface>();
    type Unknown = Extract<Reachability, { kind: "unknown" }>;
    type Target = NonNullable<Shown["targets"]>[number];
    type ShownUnknown = Extract<Target["reachability"], { kind: "unknown" }>;
    expectTypeOf<keyof ShownUnknown>().toEqualTypeOf<keyof Unknown>();
    type Refused = Extract<ShownDecision["admission"], { kind: "refused" }>;
    expectTypeOf<Refused["code"]>().toEqualTypeOf<RefusalCode>();
    expectTypeOf<ShownDecision["admission"]["kind"]>().toEqualTypeOf<Admission["kind"]>();
    expectTypeOf<ShownDecision["phase"]>().toEqualTypeOf<Decision["phase"]>();
    expectTypeOf<ShownDecision["symptom"]["kind"]>().toEqualTypeOf<SymptomKind>();
    type Kinds = ReturnType<LoopPort["eventsAfter"]>[number]["event"]["kind"];
    expectTypeOf<Kinds>().toEqualTypeOf<LoopEvent["kind"]>();
  });
});
