/** The test projects, one per folder of test/. Each says how long its kind of test may take. */
import process from "node:process";
import { defineConfig } from "vitest/config";
import { OutcomeReporter } from "./scripts/outcome-reporter.ts";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  throw new Error(`tests run on the pinned Node 24, this is ${process.version}: use npm test`);
}

/** `npm run test:soak`: seeded tests read MESHMEND_SOAK and do far more runs. */
const soak = process.env["MESHMEND_SOAK"] === "1";

type Options = { timeoutMs: number; alone?: boolean; globalSetup?: string };

function project(name: string, { timeoutMs, alone = false, globalSetup }: Options) {
  return {
    test: {
      name,
      ...(globalSetup === undefined ? {} : { globalSetup }),
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: soak ? 3_600_000 : timeoutMs,
      hookTimeout: timeoutMs,
      // Namespaces, ports and kernel state belong to the whole machine: one file at a time, last.
      fileParallelism: !alone,
      sequence: { groupOrder: alone ? 1 : 0 },
    },
  };
}

export default defineConfig({
  test: {
    pool: "forks",
    reporters: ["default", new OutcomeReporter()],
    projects: [
      project("unit", { timeoutMs: 10_000 }),
      project("compliance", { timeoutMs: 20_000 }),
      project("simulation", { timeoutMs: 60_000 }),
      project("fuzz", { timeoutMs: 60_000 }),
      project("integration", { timeoutMs: 60_000, alone: true }),
      project("lab", {
        timeoutMs: 180_000,
        alone: true,
        globalSetup: "test/lab/global-setup.ts",
      }),
    ],
  },
});
