/**
 * What a scenario is: a story told on a mesh, with claims. A claim that does not hold fails the
 * scenario and does not end it, so that a failure shows all there was to see.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../image/image.ts";
import type { Mesh, PingReport } from "../mesh.ts";
import { linksWithWayRound, type RoutingAlgorithm, type Topology } from "../topology/topology.ts";

const resultFolder = join(cacheFolder, "results");
const keptStoryLines = 5_000;

export interface ScenarioContext {
  readonly mesh: Mesh;
  /** How long the parts of a story that have no end of their own last. */
  readonly minutes: number;
  /** A line for the person who watches. */
  say(line: string): void;
  claim(what: string, holds: boolean, seen: unknown): void;
  /** A measured value for the result. */
  fact(name: string, value: unknown): void;
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** What it is told on when nobody says otherwise. */
  readonly topology: string;
  readonly algorithms: readonly RoutingAlgorithm[];
  /** Without `--minutes`. */
  readonly minutes?: number;
  run(context: ScenarioContext): Promise<void>;
}

export interface Claim {
  readonly what: string;
  readonly holds: boolean;
  readonly seen: unknown;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly topology: string;
  readonly algorithm: RoutingAlgorithm;
  readonly passed: boolean;
  readonly claims: readonly Claim[];
  readonly facts: Readonly<Record<string, unknown>>;
  /** What broke it off. */
  readonly error: string | null;
  readonly seconds: number;
  /** Of a story that failed: what was said, and each daemon's log. */
  readonly story: readonly string[];
  readonly logs: Readonly<Record<string, readonly string[]>>;
}

/** Tells it, and leaves the mesh as it was. */
export async function runScenario(
  scenario: Scenario,
  mesh: Mesh,
  options: { readonly minutes: number; readonly say: (line: string) => void },
): Promise<ScenarioResult> {
  const startedMs = performance.now();
  const claims: Claim[] = [];
  const facts: Record<string, unknown> = { settledMs: mesh.settledMs };
  const story: string[] = [];
  const say = (line: string) => {
    if (story.length < keptStoryLines) story.push(line);
    options.say(line);
  };
  let error: string | null = null;
  try {
    await scenario.run({
      mesh,
      minutes: options.minutes,
      say,
      claim(what, holds, seen) {
        claims.push({ what, holds, seen });
        say(`${holds ? "holds " : "FAILS "} ${what} (seen: ${JSON.stringify(seen)})`);
      },
      fact(name, value) {
        facts[name] = value;
        say(`${name}: ${JSON.stringify(value)}`);
      },
    });
    if (claims.length === 0) error = "it claimed nothing, which proves nothing";
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
    say(`broken off: ${error}`);
  }
  const daemonLogs = mesh.daemonLogs();
  try {
    await mesh.clear();
  } catch (thrown) {
    error ??= `the mesh could not be cleared: ${String(thrown)}`;
  }
  const passed = error === null && claims.every(({ holds }) => holds);
  const result: ScenarioResult = {
    scenario: scenario.name,
    topology: mesh.topology.name,
    algorithm: mesh.algorithm,
    passed,
    claims,
    facts,
    error,
    seconds: Math.round((performance.now() - startedMs) / 1_000),
    story: passed ? [] : story,
    logs: passed ? {} : daemonLogs,
  };
  keepResult(result);
  return result;
}

/** The latest of each story, for whoever asks why it failed. */
function keepResult(result: ScenarioResult): void {
  mkdirSync(resultFolder, { recursive: true });
  const { scenario, topology, algorithm } = result;
  const name = `${scenario}-${topology.replaceAll("/", "_")}-${algorithm}.json`;
  writeFileSync(join(resultFolder, name), `${JSON.stringify(result, null, 2)}\n`);
}

/** The link that a story about one bad link is told on: the last one that has a way round. */
export function linkToSpoil(topology: Topology): readonly [string, string] {
  const link = linksWithWayRound(topology).at(-1);
  if (link === undefined) {
    throw new Error(`in topology ${topology.name} no link has a way round it`);
  }
  return link.between;
}

/** The share of lost pings in the windows that began between two moments, in the guest's time. */
export function lossBetween(report: PingReport, fromMs: number, toMs = Infinity): number {
  const chosen = report.windows.filter(({ sinceStartMs }) => {
    const atMs = report.startedAtMs + sinceStartMs;
    return atMs >= fromMs && atMs < toMs;
  });
  const sent = chosen.reduce((sum, window) => sum + window.sent, 0);
  const lost = chosen.reduce((sum, window) => sum + window.lost, 0);
  return sent === 0 ? Number.NaN : lost / sent;
}

/** How long after a moment the last lossy window ended; null when the ping's end was lossy. */
export function healedAfterMs(report: PingReport, sinceMs: number): number | null {
  const lastLossy = report.windows.findLastIndex(({ lost }) => lost > 0);
  if (lastLossy === report.windows.length - 1) return null;
  const next = report.windows[lastLossy + 1];
  if (next === undefined) return null;
  return Math.max(0, Math.round(report.startedAtMs + next.sinceStartMs - sinceMs));
}

export function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
