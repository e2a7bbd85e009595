import { describe, expectTypeOf, it } from "vitest";
import type { LoopPort, MetricsPort, ShownDecision } from "../../../src/api/http/ports.ts";
import type { Decision } from "../../../src/mape-k/decision.ts";
import type { LoopEvent } from "../../../src/mape-k/event.ts";
import type { LoopView } from "../../../src/mape-k/loop/loop-view.ts";
import type { Observation } from "../../../src/mape-k/observation.ts";
import type { NodeMetrics } from "../../../src/telemetry/index.ts";

describe("the ports of the HTTP face", () => {
  it("are fulfilled by the loop and by the metrics of the node, as they are", () => {
    expectTypeOf<LoopView>().toExtend<LoopPort>();
    expectTypeOf<NodeMetrics>().toExtend<MetricsPort>();
  });

  it("promise in their schemas no field less and no field more than the loop's records have", () => {
    expectTypeOf<keyof ShownDecision>().toEqualTypeOf<keyof Decision>();
    expectTypeOf<keyof ShownDecision["symptom"]>().toEqualTypeOf<keyof Decision["symptom"]>();
    expectTypeOf<keyof ShownDecision["plan"]>().toEqualTypeOf<keyof Decision["plan"]>();
    type Shown = NonNullable<ReturnType<LoopPort["latestObservation"]>>;
    expectTypeOf<keyof Shown>().toEqualTypeOf<keyof Observation>();
    type Interface = NonNullable<Observation["interfaces"]>[number];
    expectTypeOf<keyof NonNullable<Shown["interfaces"]>[number]>().toEqualTypeOf<keyof Interface>();
    type Kinds = ReturnType<LoopPort["eventsAfter"]>[number]["event"]["kind"];
    expectTypeOf<Kinds>().toEqualTypeOf<LoopEvent["kind"]>();
  });
});
