/**
 * `npm run check`: everything a change must pass, quickest answers first.
 * One line per step with its seconds; the output only of the steps that failed.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import path from "node:path";

const root = path.join(import.meta.dirname, "..");
const bin = (name) => path.join(root, "node_modules", ".bin", name);

/** The slowest first, so that two processors finish together. Tests use all of them, hence last. */
const analyses = [
  { name: "lint (eslint)", command: [bin("eslint")] },
  { name: "types (tsc)", command: [bin("tsc")] },
  { name: "layers (dependency-cruiser)", command: [bin("depcruise"), "src"] },
  { name: "dead code (knip)", command: [bin("knip")] },
  { name: "format and lint (biome)", command: [bin("biome"), "check"] },
];
const tests = {
  name: "tests (unit, compliance, simulation)",
  command: [
    path.join(import.meta.dirname, "test.mjs"),
    ...["unit", "compliance", "simulation"].flatMap((project) => ["--project", project]),
  ],
};

function run({ name, command }) {
  const startedMs = performance.now();
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { ...process.env, [process.stdout.isTTY ? "FORCE_COLOR" : "NO_COLOR"]: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stderr.on("data", (chunk) => output.push(chunk));
  return new Promise((resolve) => {
    child.on("close", (code) => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5);
      console.log(`${code === 0 ? "ok    " : "FAILED"} ${seconds} s  ${name}`);
      if (code !== 0) console.log(Buffer.concat(output).toString().trimEnd());
      resolve(code === 0);
    });
  });
}

const queue = analyses.values();
const passed = [];
const workers = Array.from({ length: availableParallelism() }, async () => {
  for (const step of queue) passed.push(await run(step));
});
await Promise.all(workers);
passed.push(await run(tests));
process.exitCode = passed.every(Boolean) ? 0 : 1;
