/**
 * What a real daemon costs when nothing happens, and what happens to its beat under fire: RSS and CPU
 * after a minute of quiet, then the beat's duration and lateness while strangers send a thousand
 * garbage requests a second, 10 MB bodies and headers that drip. Competitor for the idle figures: a
 * bare Node process with an HTTP server and a one-second timer, started in the same run.
 *
 *     node_modules/.bin/node bench/daemon.ts
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { machine } from "./support/statistics.ts";

const quietSeconds = 60;
const fireSeconds = 30;
const garbagePerSecond = 1_000;
const slowClients = 50;
const port = 18_480 + (process.pid % 1_000);
const url = `http://127.0.0.1:${port}`;
const ticksPerSecond = 100;

const bareServer = `require("node:http").createServer((_, r) => r.end("ok")).listen(${port + 1_000}, "127.0.0.1"); setInterval(() => {}, 1000)`;

interface Cost {
  readonly rssMiB: number;
  readonly anonymousMiB: number;
  readonly cpuShare: number;
}

const dataDir = mkdtempSync(join(tmpdir(), "meshmend-bench-"));
const daemon = spawn(
  join(import.meta.dirname, "../bin/meshmend"),
  ["run", "--data-dir", dataDir, "--http", `127.0.0.1:${port}`, "--grpc", "127.0.0.1:0"],
  { stdio: "ignore" },
);
const bare = spawn(process.execPath, ["-e", bareServer], { stdio: "ignore" });
try {
  await untilReady();
  const [before, beforeBare] = [cpuTicks(daemon), cpuTicks(bare)];
  const quietFrom = await beats();
  await delay(quietSeconds * 1_000);
  const idle = cost(daemon, cpuTicks(daemon) - before);
  const idleBare = cost(bare, cpuTicks(bare) - beforeBare);
  const quiet = difference(await beats(), quietFrom);
  const fireFrom = await beats();
  const refused = await fire();
  const underFire = difference(await beats(), fireFrom);
  report(idle, idleBare, quiet, underFire, refused);
} finally {
  bare.kill("SIGKILL");
  daemon.kill("SIGTERM");
  await new Promise((resolve) => daemon.once("exit", resolve));
  rmSync(dataDir, { recursive: true, force: true });
}

async function untilReady(): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const ready = await fetch(`${url}/health/ready`).catch(() => null);
    if (ready?.ok) return;
    await delay(100);
  }
  throw new Error("the daemon did not become ready");
}

/** User and system time of a process, in clock ticks (proc(5)). */
function cpuTicks({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function cost({ pid }: ChildProcess, ticks: number): Cost {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mebibytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]) / 1024;
  return {
    rssMiB: mebibytes("Rss"),
    anonymousMiB: mebibytes("Anonymous"),
    cpuShare: ticks / ticksPerSecond / quietSeconds,
  };
}

/** Cumulative histogram counts by upper bound in seconds. */
type Histogram = Map<number, number>;

async function beats(): Promise<Record<"duration" | "lateness", Histogram>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string): Histogram =>
    new Map(
      [
        ...text.matchAll(
          new RegExp(`^meshmend_beat_${name}_seconds_bucket{le="(.*)"} (\\d+)$`, "gm"),
        ),
      ].map(([, bound, count]) => [
        bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound),
        Number(count),
      ]),
    );
  return { duration: read("duration"), lateness: read("lateness") };
}

function difference(
  after: Record<"duration" | "lateness", Histogram>,
  before: Record<"duration" | "lateness", Histogram>,
) {
  const minus = (name: "duration" | "lateness") =>
    new Map(
      [...after[name]].map(([bound, count]) => [bound, count - (before[name].get(bound) ?? 0)]),
    );
  return { duration: minus("duration"), lateness: minus("lateness") };
}

/** The upper bound of the bucket in which the quantile lies, in milliseconds. */
function quantile(histogram: Histogram, share: number): string {
  const total = histogram.get(Number.POSITIVE_INFINITY) ?? 0;
  for (const [bound, count] of histogram) if (count >= share * total) return `<= ${bound * 1_000}`;
  return "none";
}

async function fire(): Promise<{ sent: number; refusedBodies: number; cut: number }> {
  let [sent, refusedBodies, cut] = [0, 0, 0];
  const slow = Array.from({ length: slowClients }, () => {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.on("close", () => cut++);
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ");
    return socket;
  });
  const body = Buffer.alloc(10 << 20, 0x20);
  for (let tenth = 0; tenth < fireSeconds * 10; tenth++) {
    const startedMs = performance.now();
    for (let each = 0; each < garbagePerSecond / 10; each++, sent++) sendGarbage(each);
    for (const socket of slow) if (!socket.destroyed) socket.write("a");
    if (tenth % 10 === 0) {
      void fetch(`${url}/api/v1/mape-k/decisions/x/confirmation`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      }).then(
        ({ status }) => void (status === 413 && refusedBodies++),
        () => refusedBodies++,
      );
    }
    await delay(Math.max(0, 100 - (performance.now() - startedMs)));
  }
  for (const socket of slow) socket.destroy();
  return { sent, refusedBodies, cut };
}

function sendGarbage(seed: number): void {
  const kinds = [
    "\x16\x03\x01\x02",
    "GET / HTTP/9.9\r\n\r\n",
    "}{}{\r\n\r\n",
    "POST /\0 HTTP/1.1\r\n\r\n",
  ];
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.end(kinds[seed % kinds.length] ?? "");
  socket.resume();
}

function report(
  idle: Cost,
  idleBare: Cost,
  quiet: ReturnType<typeof difference>,
  underFire: ReturnType<typeof difference>,
  refused: { sent: number; refusedBodies: number; cut: number },
): void {
  const row = (name: string, { rssMiB, anonymousMiB, cpuShare }: Cost) =>
    `| ${name} | ${rssMiB.toFixed(0)} | ${anonymousMiB.toFixed(0)} | ${(cpuShare * 100).toFixed(2)} % |`;
  const beatRow = (name: string, { duration, lateness }: ReturnType<typeof difference>) =>
    `| ${name} | ${quantile(duration, 0.5)} | ${quantile(duration, 0.99)} | ${quantile(lateness, 0.99)} |`;
  console.log(`${machine()}\n`);
  console.log(`| after ${quietSeconds} s of quiet | RSS MiB | of it anonymous | CPU of one core |`);
  console.log("|---|---|---|---|");
  console.log(row("meshmend run", idle));
  console.log(row("bare Node with an HTTP server and a timer", idleBare));
  console.log("\n| beat, ms | duration p50 | duration p99 | lateness p99 |\n|---|---|---|---|");
  console.log(beatRow(`quiet, ${quietSeconds} s`, quiet));
  console.log(beatRow(`under fire, ${fireSeconds} s`, underFire));
  console.log(`\nUnder fire: ${JSON.stringify(refused)}`);
}
