/**
 * One beat of the loop over 10, 100 and 1,000 real links: wall time and bytes allocated, beside what
 * most agents do to learn the same (fork `ip -json -stats link` and parse it). Needs root: it makes a
 * network namespace of its own with veth pairs, and runs itself inside.
 *
 *     node_modules/.bin/node bench/loop.ts
 */

import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { silentLogger, silentTracer } from "../src/base/index.ts";
import { loadNative } from "../src/ebpf/io/load-native.ts";
import {
  type DecisionId,
  DecisionRecorder,
  EventFeed,
  Executor,
  Loop,
  Monitor,
  TimeSeries,
} from "../src/mape-k/index.ts";
import {
  InterfacesSensor,
  kernelRoots,
  MemoryActionJournal,
  MemoryDecisionLog,
  NetlinkInterfacesSensor,
  PressureSensor,
  ProcessSensor,
  TransportSensor,
} from "../src/mape-k/io/index.ts";
import { systemClock } from "../src/node/index.ts";
import { machine, median, percentile } from "./support/statistics.ts";

const sizes = [10, 100, 1_000];
/** The daemon runs for months: what its first minute costs is another question. */
const warmUpBeats = 120;
const measuredBeats = 200;
const competitorRuns = 20;
const periodMs = 100;
const inside = process.argv[2] === "inside";

if (inside) await measureAll();
else reExecInNamespace();

/** Bytes allocated are read off the heap, so nothing may be collected meanwhile: a large nursery. */
function reExecInNamespace(): void {
  const name = `mm-bench-${process.pid}`;
  execFileSync("ip", ["netns", "add", name]);
  try {
    const flags = ["--expose-gc", "--max-semi-space-size=512", "--min-semi-space-size=512"];
    const command = [process.execPath, ...flags, import.meta.filename, "inside"];
    execFileSync("ip", ["netns", "exec", name, ...command], { stdio: "inherit" });
  } finally {
    execFileSync("ip", ["netns", "delete", name]);
  }
}

async function measureAll(): Promise<void> {
  console.log(`${machine()}; ${measuredBeats} beats of ${periodMs} ms each\n`);
  console.log(
    "| links | source | beat p50 ms | p99 ms | max ms | KiB a beat | `ip -json` p50 ms | ratio |",
  );
  console.log("|---|---|---|---|---|---|---|---|");
  let existing = 0;
  for (const links of sizes) {
    addLinks(existing, links);
    existing = links;
    const forkedMs = median(await measureIp());
    for (const source of ["rtnetlink", "sysfs"] as const) {
      const beats = await measureBeats(source);
      const p50 = median(beats.tookMs);
      const figures = [p50, percentile(beats.tookMs, 0.99), Math.max(...beats.tookMs)];
      console.log(
        `| ${links} | ${source} | ${figures.map((ms) => ms.toFixed(2)).join(" | ")} | ${(beats.allocatedBytes / 1024).toFixed(0)} | ${forkedMs.toFixed(1)} | ${(forkedMs / p50).toFixed(0)} |`,
      );
    }
  }
}

/** Veth pairs, since not every kernel has dummy interfaces: two links each. */
function addLinks(from: number, to: number): void {
  const commands: string[] = [];
  for (let link = from; link < to; link += 2) {
    const [one, other] = [`link${link}`, `link${link + 1}`];
    commands.push(`link add ${one} type veth peer name ${other}`);
    commands.push(`link set dev ${one} up`, `link set dev ${other} up`);
  }
  execFileSync("ip", ["-batch", "-"], { input: commands.join("\n") });
}

type InterfacesSource = "rtnetlink" | "sysfs";

function openInterfaces(source: InterfacesSource) {
  const watched = { include: ["*"], exclude: [], maxInterfaces: 4_096 };
  if (source === "sysfs") return new InterfacesSensor({ ...kernelRoots, ...watched });
  const probe = loadNative();
  if (probe.kind !== "available") throw new Error(probe.why);
  return new NetlinkInterfacesSensor({ netlink: probe.native }, watched);
}

async function measureBeats(
  source: InterfacesSource,
): Promise<{ tookMs: number[]; allocatedBytes: number }> {
  const tookMs: number[] = [];
  const clock = systemClock;
  const logger = silentLogger;
  const log = new MemoryDecisionLog();
  const journal = new MemoryActionJournal({ capacity: 1 });
  const processSensor = new ProcessSensor({ clock });
  processSensor.start();
  const sensors = {
    interfaces: openInterfaces(source),
    transport: new TransportSensor(kernelRoots),
    pressure: new PressureSensor(kernelRoots),
    process: processSensor,
  };
  const done = Promise.withResolvers<void>();
  let heapBefore = 0;
  let allocatedBytes = 0;
  let beats = 0;
  let id = 0;
  const loop = new Loop(
    {
      clock,
      logger,
      tracer: silentTracer,
      monitor: new Monitor({ clock, sensors }, { timeoutMs: periodMs }),
      history: new TimeSeries({ windowBeats: 120, maxSeries: 20_000 }),
      feed: new EventFeed({ clock, logger }, { capacity: 1_024 }),
      log,
      recorder: new DecisionRecorder(
        { clock, log, logger },
        { keepDecisions: 1_000, backlog: 1_000 },
      ),
      journal,
      nextId: () => String(++id).padStart(26, "0") as DecisionId,
      createExecutor: (report) =>
        new Executor({ clock, logger, actuators: [], journal, report }, { actionTimeoutMs: 1_000 }),
      onBeat(beat) {
        beats++;
        if (beats === warmUpBeats) {
          globalThis.gc?.();
          heapBefore = process.memoryUsage().heapUsed;
        }
        if (beats > warmUpBeats) tookMs.push(beat.tookMs);
        if (beats < warmUpBeats + measuredBeats) return;
        allocatedBytes = (process.memoryUsage().heapUsed - heapBefore) / measuredBeats;
        done.resolve();
      },
    },
    {
      policy: {
        node: "bench" as never,
        mode: "observe",
        thresholds: {
          wantedInterfaces: [],
          burstWindowMs: 10_000,
          flapChanges: 5,
          flapWindowMs: 30_000,
          errorRatio: 0.01,
          dropRatio: 0.05,
          targetFailures: 3,
          linkLossRatio: 0.3,
          silentIntervals: 3,
          retransmitRatio: 0.1,
          pressureRatio: 0.5,
          storageFreeRatio: 0.05,
        },
        plan: { mayRepair: () => true, verifyMs: 15_000 },
        guard: { budgetPerHour: 6, coolDownMs: 30_000, confirmMs: 900_000 },
        maxSymptoms: 4_096,
        maxDecisionsPerBeat: 64,
      },
      periodMs,
      windowBeats: 120,
    },
  );
  await loop.start();
  await done.promise;
  await loop.stop();
  return { tookMs, allocatedBytes };
}

async function measureIp(): Promise<number[]> {
  const run = promisify(execFile);
  const tookMs: number[] = [];
  for (let round = 0; round < competitorRuns; round++) {
    const startedMs = performance.now();
    const { stdout } = await run("ip", ["-json", "-stats", "-details", "link"], {
      maxBuffer: 64 << 20,
    });
    JSON.parse(stdout);
    tookMs.push(performance.now() - startedMs);
  }
  return tookMs;
}
