/** Writes docs/metrics.md from the catalogue; a test holds the two equal. */

import { type LabelValues, type MetricDefinition, metricCatalogue } from "./metric-catalogue.ts";

const opening = `# Metrics

\`GET /metrics\` in the Prometheus text format. This page is generated from
\`src/telemetry/metric-catalogue.ts\`; to write it anew:
\`node scripts/write-references.ts\`. Node's own metrics (\`process_*\`, \`nodejs_*\`) come from
prom-client and stand beside these.
`;

export function metricReference(): string {
  const sections = Object.entries<MetricDefinition>(metricCatalogue).map(
    ([name, metric]) => `\n## \`${name}\`\n\n${metric.type}. ${metric.help}\n${details(metric)}`,
  );
  return opening + sections.join("");
}

function details({ labels, buckets }: MetricDefinition): string {
  const lines = Object.entries(labels).map(
    ([label, values]) => `- label \`${label}\`: ${vocabulary(values)}`,
  );
  if (buckets !== undefined) lines.push(`- buckets: ${buckets.join(", ")}`);
  return lines.length === 0 ? "" : `\n${lines.join("\n")}\n`;
}

function vocabulary(values: LabelValues): string {
  return "open" in values ? values.open : values.map((value) => `\`${value}\``).join(", ");
}
