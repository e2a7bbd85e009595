import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type MetricDefinition, metricCatalogue } from "../../../src/telemetry/metric-catalogue.ts";
import { metricReference } from "../../../src/telemetry/metric-reference.ts";
import { createNodeMetrics } from "../../../src/telemetry/node-metrics.ts";

const metrics = () => createNodeMetrics({ version: "1.2.3", node: "node-a" });
const lines = async (of: ReturnType<typeof metrics>) => (await of.text()).split("\n");

describe("the metric catalogue", () => {
  it("is what docs/metrics.md says (else: node scripts/write-references.ts)", () => {
    const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
    expect(page).toBe(metricReference());
  });

  it("is registered whole, with its types and helps", async () => {
    const text = await metrics().text();
    for (const [name, { type, help }] of Object.entries<MetricDefinition>(metricCatalogue)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    }
    const served = [...text.matchAll(/^# TYPE (meshmend_\w+)/gm)].map(([, name]) => name);
    expect(served.sort()).toEqual(Object.keys(metricCatalogue).sort());
  });

  it("shows every counter of a closed vocabulary from the start, at zero", async () => {
    const text = await lines(metrics());
    expect(text).toContain('meshmend_symptoms_raised_total{kind="flapping"} 0');
    expect(text).toContain('meshmend_actions_total{kind="tell",result="failed"} 0');
    expect(text).toContain('meshmend_phase_duration_seconds_count{phase="guard"} 0');
  });
});

describe("the metrics of a node", () => {
  it.each<[string, (of: ReturnType<typeof metrics>) => void, string[]]>([
    [
      "a beat",
      (of) => of.beat({ durationMs: 2, latenessMs: 0.2 }),
      [
        "meshmend_beats_total 1",
        "meshmend_beat_duration_seconds_sum 0.002",
        'meshmend_beat_duration_seconds_bucket{le="0.001"} 0',
        'meshmend_beat_duration_seconds_bucket{le="0.0025"} 1',
        "meshmend_beat_lateness_seconds_sum 0.0002",
      ],
    ],
    ["missed beats", (of) => of.beatsMissed(3), ["meshmend_beats_missed_total 3"]],
    [
      "a phase",
      (of) => of.phase("plan", 500),
      ['meshmend_phase_duration_seconds_sum{phase="plan"} 0.5'],
    ],
    [
      "symptoms",
      (of) => {
        of.symptomRaised("flapping");
        of.activeSymptoms({ flapping: 2, "storage-low": 1 });
        of.activeSymptoms({ flapping: 1 });
      },
      [
        'meshmend_symptoms_raised_total{kind="flapping"} 1',
        'meshmend_active_symptoms{kind="flapping"} 1',
        'meshmend_active_symptoms{kind="storage-low"} 0',
      ],
    ],
    [
      "a decision, its action and its verdict",
      (of) => {
        of.decision("admitted");
        of.action("interface-bounce", "applied");
        of.verdict("healed");
      },
      [
        'meshmend_decisions_total{admission="admitted"} 1',
        'meshmend_actions_total{kind="interface-bounce",result="applied"} 1',
        'meshmend_verdicts_total{outcome="healed"} 1',
      ],
    ],
    [
      "a sensor",
      (of) => {
        of.sensorSampled("pressure", 1);
        of.sensorFailed("pressure");
      },
      [
        'meshmend_sensor_duration_seconds_sum{sensor="pressure"} 0.001',
        'meshmend_sensor_failures_total{sensor="pressure"} 1',
      ],
    ],
    [
      "totals, of which only the growth counts, also after they began anew",
      (of) => {
        of.totals({ inboxDropped: 5, spansDropped: 1 });
        of.totals({ inboxDropped: 7 });
        of.totals({ inboxDropped: 2 });
        of.series(12);
      },
      ["meshmend_inbox_dropped_total 9", "meshmend_spans_dropped_total 1", "meshmend_series 12"],
    ],
    [
      "a component's state",
      (of) => {
        of.componentState("loop", "ok");
        of.componentState("loop", "failed");
      },
      [
        'meshmend_component_state{component="loop",state="ok"} 0',
        'meshmend_component_state{component="loop",state="failed"} 1',
      ],
    ],
    [
      "requests, with methods nobody has heard of as one",
      (of) => {
        of.httpAnswered({ method: "GET", route: "/health", status: 200, durationMs: 3 });
        of.httpAnswered({ method: "BREW", route: "unmatched", status: 405, durationMs: null });
      },
      [
        'meshmend_http_requests_total{method="GET",route="/health",status="200"} 1',
        'meshmend_http_requests_total{method="other",route="unmatched",status="405"} 1',
        'meshmend_http_request_duration_seconds_count{method="GET",route="/health"} 1',
      ],
    ],
    ["its build", () => {}, ['meshmend_build_info{version="1.2.3",node="node-a"} 1']],
  ])("record %s", async (_what, record, expected) => {
    const of = metrics();
    record(of);
    expect(await lines(of)).toEqual(expect.arrayContaining(expected));
  });

  it("of two nodes in one process are apart", async () => {
    const [one, other] = [metrics(), metrics()];
    one.beatsMissed(1);
    expect(await lines(other)).toContain("meshmend_beats_missed_total 0");
  });
});
