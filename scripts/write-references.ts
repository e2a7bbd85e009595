/** Writes the pages of docs/ that are generated from tables of the sources. */

import { writeFileSync } from "node:fs";
import { errorReference } from "../src/api/http/error-reference.ts";
import { metricReference } from "../src/telemetry/metric-reference.ts";

const pages = { "metrics.md": metricReference(), "error-codes.md": errorReference() };
for (const [name, text] of Object.entries(pages)) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), text);
}
