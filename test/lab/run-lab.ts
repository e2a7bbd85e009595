/**
 * `npm run lab`: boots the lab for a person, tells scenarios and prints them as they happen.
 * Nothing here knows what a scenario does. Exit codes: 0 all passed, 1 one failed, 2 wrong usage,
 * 3 the lab cannot run here.
 */

import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { Guest } from "./host/guest.ts";
import { bootVirtualMachine, type VirtualMachine } from "./host/virtual-machine.ts";
import { labProblem } from "./image/image.ts";
import { Mesh } from "./mesh.ts";
import { prompt } from "./prompt.ts";
import { scenarioNamed, scenarios } from "./scenarios/index.ts";
import { runScenario, type Scenario, type ScenarioResult } from "./scenarios/scenario.ts";
import { loadTopology, topologyNames } from "./topology/load-topology.ts";
import { type RoutingAlgorithm, routingAlgorithms, type Topology } from "./topology/topology.ts";

const usage = `npm run lab -- --scenario NAME [options]

Boots a virtual machine with the real batman-adv (no KVM, no root needed for that) and tells a
scenario in it. Results are kept in .cache/lab/results, logs of failures in .cache/lab/logs.

  --scenario NAME     may be given several times
  --topology NAME     a file of test/lab/topologies, or the path of one (default: the scenario's)
  --algorithm NAME    BATMAN_IV, BATMAN_V or both (default: BATMAN_V)
  --minutes NUMBER    for scenarios that last as long as one wants
  --keep              keep the mesh afterwards and read commands: n1 batctl meshif bat0 o
  --json              one result a line on stdout, the story on stderr
  --list              scenarios and topologies
  --help

Examples:
  npm run lab -- --list
  npm run lab -- --scenario bare-triangle --algorithm both
  npm run lab -- --topology grid-3x3 --keep
`;

interface Wanted {
  readonly scenarios: readonly Scenario[];
  readonly topology: Topology | null;
  readonly algorithms: readonly RoutingAlgorithm[];
  readonly minutes: number | null;
  readonly keep: boolean;
  readonly json: boolean;
}

function readArguments(args: readonly string[]): Wanted | "help" | "list" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: "string", multiple: true, default: [] },
      topology: { type: "string" },
      algorithm: { type: "string", default: "BATMAN_V" },
      minutes: { type: "string" },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  if (values.list) return "list";
  if (values.scenario.length === 0 && !values.keep) {
    throw new Error("--scenario is missing (or --keep, for a mesh to try things in)");
  }
  const algorithms = routingAlgorithms.filter(
    (name) => values.algorithm === "both" || values.algorithm === name,
  );
  if (algorithms.length === 0) {
    throw new Error(`--algorithm: expected BATMAN_IV, BATMAN_V or both, not ${values.algorithm}`);
  }
  const minutes = values.minutes === undefined ? null : Number(values.minutes);
  if (minutes !== null && !(minutes > 0 && minutes <= 24 * 60)) {
    throw new Error("--minutes: expected a number above 0, up to a day");
  }
  return {
    scenarios: values.scenario.map(scenarioNamed),
    topology: values.topology === undefined ? null : loadTopology(values.topology),
    algorithms,
    minutes,
    keep: values.keep,
    json: values.json,
  };
}

function list(): string {
  const told = scenarios.map(({ name, description }) => `  ${name.padEnd(18)} ${description}`);
  const drawn = topologyNames().map(
    (name) => `  ${name.padEnd(18)} ${loadTopology(name).description}`,
  );
  return `scenarios:\n${told.join("\n")}\ntopologies:\n${drawn.join("\n")}\n`;
}

function storyteller(json: boolean): (line: string) => void {
  const startedMs = performance.now();
  const stream = json ? process.stderr : process.stdout;
  return (line) => {
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6);
    stream.write(`${seconds} s  ${line}\n`);
  };
}

async function tell(
  wanted: Wanted,
  machine: VirtualMachine,
  say: (line: string) => void,
): Promise<readonly ScenarioResult[]> {
  const guest = new Guest(machine.channel);
  const results: ScenarioResult[] = [];
  let mesh: Mesh | null = null;
  const meshOf = async (topology: Topology, algorithm: RoutingAlgorithm): Promise<Mesh> => {
    if (mesh?.topology.name === topology.name && mesh.algorithm === algorithm) return mesh;
    mesh = await Mesh.open(guest, topology, { algorithm });
    say(`${topology.name} with ${algorithm} settled in ${(mesh.settledMs / 1_000).toFixed(1)} s`);
    return mesh;
  };
  for (const algorithm of wanted.algorithms) {
    for (const scenario of wanted.scenarios) {
      if (!scenario.algorithms.includes(algorithm)) continue;
      const topology = wanted.topology ?? loadTopology(scenario.topology);
      say(`--- ${scenario.name} on ${topology.name}, ${algorithm}: ${scenario.description}`);
      const minutes = wanted.minutes ?? scenario.minutes ?? 1;
      const result = await runScenario(scenario, await meshOf(topology, algorithm), {
        minutes,
        say,
      });
      results.push(result);
      if (wanted.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      say(`--- ${scenario.name}, ${algorithm}: ${result.passed ? "passed" : "FAILED"}`);
    }
  }
  if (wanted.keep) {
    const first = wanted.algorithms[0] ?? "BATMAN_V";
    await prompt(mesh ?? (await meshOf(wanted.topology ?? loadTopology("triangle"), first)));
  }
  return results;
}

async function main(): Promise<number> {
  let wanted: Wanted | "help" | "list";
  try {
    wanted = readArguments(process.argv.slice(2));
  } catch (thrown) {
    process.stderr.write(`lab: ${(thrown as Error).message}\n(see npm run lab -- --help)\n`);
    return 2;
  }
  if (typeof wanted === "string") {
    process.stdout.write(wanted === "help" ? usage : list());
    return 0;
  }
  const reason = labProblem();
  if (reason !== null) {
    process.stderr.write(`lab: ${reason}\n`);
    return 3;
  }
  const say = storyteller(wanted.json);
  const machine = await bootVirtualMachine({ lifeMs: wanted.keep ? Infinity : 6 * 3_600_000 });
  say(`Linux ${machine.kernel} booted in ${(machine.bootMs / 1_000).toFixed(1)} s`);
  let passed = false;
  try {
    const results = await tell(wanted, machine, say);
    passed = results.every((result) => result.passed);
  } finally {
    await machine.close({ keepLogs: !passed });
    if (!passed) say(`the machine's console: ${join(machine.logFolder, "console.log")}`);
  }
  return passed ? 0 : 1;
}

process.exitCode = await main();
