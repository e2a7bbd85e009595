/**
 * Runs vitest on this very Node and ends with the line `N passed, N failed, N skipped`, above it the
 * skipped tests and why. Fails when a test failed, when vitest did, and when no test ran.
 * Arguments go to vitest: `npm test -- --project unit test/unit/base`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import path from "node:path";

const folder = mkdtempSync(path.join(tmpdir(), "meshmend-test-"));
const file = path.join(folder, "outcome.json");
const vitest = path.join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");

const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  cwd: path.join(import.meta.dirname, ".."),
  env: { ...process.env, MESHMEND_TEST_OUTCOME: file },
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to vitest as well; twice would make it drop its clean-up.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("close", (code, signal) => {
  const outcome = readOutcome();
  if (outcome === null) console.log("vitest ended without a result");
  const { passed, failed, skipped } = outcome ?? { passed: 0, failed: 1, skipped: [] };
  for (const line of skipped) console.log(`skipped: ${line}`);
  if (passed + failed === 0) console.log("no test ran, which proves nothing");
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  if (signal !== null) process.exitCode = 128 + constants.signals[signal];
  else process.exitCode = code || (failed > 0 || passed === 0 ? 1 : 0);
});

function readOutcome() {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
