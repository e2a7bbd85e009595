/**
 * Writes what a test run came to, as JSON, to the file named by MESHMEND_TEST_OUTCOME.
 * scripts/test.mjs prints it once vitest has ended, so that nothing is printed after the last line.
 */
import { writeFileSync } from "node:fs";
import process from "node:process";
import type { Reporter, SerializedError, TestModule, Vitest } from "vitest/node";

export class OutcomeReporter implements Reporter {
  #filtered = false;

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const outcome = { passed: 0, failed: unhandled.length, skipped: [] as string[] };
    for (const module of modules) {
      // A file that does not load, or a hook that throws, fails without any test of its own.
      if (module.errors().length > 0) outcome.failed += 1;
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) outcome.failed += 1;
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (result.state === "passed") outcome.passed += 1;
        // A test that was cut short (pending) proved nothing.
        else if (result.state !== "skipped") outcome.failed += 1;
        else if (result.note !== undefined) outcome.skipped.push(`${name}: ${result.note}`);
        // With -t, vitest reports what the pattern left out as skipped.
        else if (!this.#filtered) outcome.skipped.push(`${name}: no reason given`);
      }
    }
    const file = process.env["MESHMEND_TEST_OUTCOME"];
    if (file !== undefined) writeFileSync(file, JSON.stringify(outcome));
  }
}
