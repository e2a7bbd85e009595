/** Writes the pages of docs/ that are generated from tables of the sources. */

import { writeFileSync } from "node:fs";
import { exitCodeReference } from "../src/cli/exit-code.ts";
import { configReference } from "../src/config/index.ts";
import { metricReference } from "../src/telemetry/metric-reference.ts";
import { errorReference } from "./error-reference.ts";

const pages = {
  "configuration.md": configReference(),
  "error-codes.md": errorReference(),
  "exit-codes.md": exitCodeReference(),
  "metrics.md": metricReference(),
};
for (const [name, text] of Object.entries(pages)) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), text);
}
