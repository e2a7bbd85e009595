import { describe, expect, it } from "vitest";
import { recordState } from "../../../src/node/record-metrics.ts";
import { createNodeMetrics } from "../../../src/telemetry/index.ts";

describe("what the node counts", () => {
  it("reaches the metrics, whatever it is that was dropped", async () => {
    const metrics = createNodeMetrics({ version: "1", node: "roof-3" });
    recordState(metrics, {
      loop: { symptoms: () => [], inboxDropped: 1, findingsDropped: 2 },
      history: { size: 3, refused: 4 },
      recorder: { lost: 5 },
      dropped: { spans: () => 6, logLines: () => 7 },
    });
    const text = await metrics.text();
    for (const line of [
      "meshmend_inbox_dropped_total 1",
      "meshmend_findings_dropped_total 2",
      "meshmend_series 3",
      "meshmend_series_refused_total 4",
      "meshmend_decision_records_lost_total 5",
      "meshmend_spans_dropped_total 6",
      "meshmend_log_lines_dropped_total 7",
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
  });
});
