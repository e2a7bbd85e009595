/**
 * Durable puts and linearizable gets through etcd's API, three members on this machine: a real etcd
 * and ours in turn, in the same run, on the same disk, driven by the same C client (h2load, Debian
 * package nghttp2-client) at the member that leads. 256-byte values.
 *
 *     node_modules/.bin/node bench/kv.ts [seconds [clients...]]
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { KvClient } from "../src/client/index.ts";
import { PutRequest } from "../src/wire/etcd/rpc.ts";
import { machine, percentile } from "./support/statistics.ts";

const seconds = Number(process.argv[2] ?? 10);
const wanted = process.argv.slice(3).map(Number);
const allRounds = [
  { clients: 1, connections: 1 },
  { clients: 16, connections: 16 },
  { clients: 64, connections: 64 },
  { clients: 64, connections: 1 },
  { clients: 256, connections: 256 },
  { clients: 256, connections: 4 },
];
const rounds = allRounds.filter(({ clients }) => wanted.length === 0 || wanted.includes(clients));
const folder = mkdtempSync(join(tmpdir(), "meshmend-bench-kv-"));
const children: ChildProcess[] = [];

interface Cluster {
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly processes: readonly ChildProcess[];
}

interface Result {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  readonly cpuShare: number;
  readonly rssMiB: number;
}

try {
  console.log(
    `${machine()}; ${seconds} s a cell; CPU is of one core, all three members together\n`,
  );
  const clusters = [await startEtcd(), await startOurs()];
  for (const call of ["Put", "Range"] as const) {
    console.log(
      `| ${call}: clients / connections | server | per second | p50 / p99 ms | CPU | RSS of the largest |`,
    );
    console.log("|---|---|---|---|---|---|");
    for (const round of rounds) {
      for (const cluster of clusters) {
        const result = await load(cluster, call, round);
        console.log(row(cluster.name, round, result));
      }
    }
    if (call === "Put") {
      for (const { clients } of rounds.filter(({ connections }) => connections <= 4)) {
        console.log(await loadStream(clusters[1] as Cluster, clients));
      }
    }
    console.log("");
  }
} finally {
  for (const child of children) child.kill("SIGKILL");
  await delay(200);
  rmSync(folder, { recursive: true, force: true });
}

function row(name: string, round: (typeof rounds)[number], result: Result): string {
  const { perSecond, p50Ms, p99Ms, failed, cpuShare, rssMiB } = result;
  const failures = failed === 0 ? "" : ` (${failed} failed)`;
  return (
    `| ${round.clients} / ${round.connections} | ${name} | ${Math.round(perSecond)}${failures} | ` +
    `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} | ${Math.round(100 * cpuShare)} % | ${Math.round(rssMiB)} MiB |`
  );
}

async function load(
  cluster: Cluster,
  call: "Put" | "Range",
  { clients, connections }: (typeof rounds)[number],
): Promise<Result> {
  const leader = await leaderOf(cluster);
  const data = join(folder, call);
  writeFileSync(data, message(call));
  const log = join(folder, "log");
  rmSync(log, { force: true });
  const before = cpuSeconds(cluster);
  const startedMs = performance.now();
  const out = await run("h2load", [
    ...["-D", String(seconds), "--warm-up-time", "1", "-t", "1", "-c", String(connections)],
    ...["-m", String(clients / connections), "-d", data, "--log-file", log],
    ...["-H", "content-type: application/grpc", "-H", "te: trailers"],
    `http://${leader}/etcdserverpb.KV/${call}`,
  ]);
  const tookSeconds = (performance.now() - startedMs) / 1_000;
  const cpuShare = (cpuSeconds(cluster) - before) / tookSeconds;
  const [, perSecond] = /, ([0-9.]+) req\/s/.exec(out) ?? [];
  const [, failed] = /(\d+) failed/.exec(out) ?? [];
  const micros = readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => Number(line.split("\t")[2]))
    .sort((one, other) => one - other);
  const at = (share: number) => (micros[Math.floor(share * micros.length)] ?? Number.NaN) / 1_000;
  return {
    perSecond: Number(perSecond),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    failed: Number(failed),
    cpuShare,
    rssMiB: Math.max(...cluster.processes.map(rssMiB)),
  };
}

/** Puts over one stream of the client library, in this process: as many in flight as clients. */
async function loadStream(cluster: Cluster, clients: number): Promise<string> {
  const made = await KvClient.connect({ address: await leaderOf(cluster), maxInFlight: clients });
  if (!made.ok) throw new Error(made.fault.message);
  const request = PutRequest.decode(new Uint8Array(message("Put").subarray(5)));
  const tookMs: number[] = [];
  let refused = 0;
  const cpuBefore = cpuSeconds(cluster);
  const startedMs = performance.now();
  const one = async () => {
    while (performance.now() - startedMs < seconds * 1_000) {
      const sentMs = performance.now();
      if (!(await made.value.put(request)).ok) refused++;
      tookMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: clients }, one));
  made.value.close();
  return row(
    "meshmend, stream",
    { clients, connections: 1 },
    {
      perSecond: tookMs.length / seconds,
      p50Ms: percentile(tookMs, 0.5),
      p99Ms: percentile(tookMs, 0.99),
      failed: refused,
      cpuShare: (cpuSeconds(cluster) - cpuBefore) / seconds,
      rssMiB: Math.max(...cluster.processes.map(rssMiB)),
    },
  );
}

/** One gRPC message: a 256-byte value under one key, or the request for it. */
function message(call: "Put" | "Range"): Buffer {
  const key = Buffer.from("\x0a\x05bench", "latin1");
  const value = Buffer.concat([Buffer.from([0x12, 0x80, 0x02]), Buffer.alloc(256, "v")]);
  const body = call === "Put" ? Buffer.concat([key, value]) : key;
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

async function startEtcd(): Promise<Cluster> {
  const ports = await freePorts(6);
  const members = [0, 1, 2].map((i) => ({
    name: `e${i}`,
    client: `http://127.0.0.1:${ports[i]}`,
    peer: `http://127.0.0.1:${ports[i + 3]}`,
  }));
  const initial = members.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const processes = members.map(({ name, client, peer }) =>
    child("etcd", [
      ...["--name", name, "--data-dir", join(folder, name), "--log-level", "error"],
      ...[
        "--logger",
        "zap",
        "--initial-cluster",
        initial,
        "--quota-backend-bytes",
        `${8 * 2 ** 30}`,
      ],
      ...["--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
    ]),
  );
  return ready({
    name: "etcd",
    endpoints: members.map(({ client }) => client.slice(7)),
    processes,
  });
}

async function startOurs(): Promise<Cluster> {
  const ports = await freePorts(6);
  const founders = [0, 1, 2].map((i) => ({ id: `m${i}`, address: `127.0.0.1:${ports[i + 3]}` }));
  const processes = founders.map(({ id }, i) => {
    const options = {
      ...{ folder: join(folder, id), id, founders },
      ...{ peerPort: ports[i + 3], clientPort: ports[i] },
    };
    const main = join(import.meta.dirname, "support/kv-node-process.ts");
    const flags = ["--disable-warning=ExperimentalWarning"];
    return child(process.execPath, [...flags, main, JSON.stringify(options)]);
  });
  const endpoints = [0, 1, 2].map((i) => `127.0.0.1:${ports[i]}`);
  return ready({ name: "meshmend", endpoints, processes });
}

async function ready(cluster: Cluster): Promise<Cluster> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await leaderOf(cluster).catch(() => null)) !== null) return cluster;
    await delay(100);
  }
  throw new Error(`${cluster.name} has no leader after 20 s`);
}

async function leaderOf({ endpoints }: Cluster): Promise<string> {
  const out = await run("etcdctl", ["--endpoints", endpoints.join(","), "endpoint", "status"]);
  const leader = out.split("\n").find((line) => line.split(", ")[4] === "true");
  if (leader === undefined) throw new Error("no leader");
  return leader.split(", ")[0] as string;
}

function child(program: string, args: readonly string[]): ChildProcess {
  const started = spawn(program, args, { stdio: "ignore" });
  children.push(started);
  return started;
}

function run(program: string, args: readonly string[]): Promise<string> {
  const started = spawn(program, args, { env: { ...process.env, ETCDCTL_API: "3" } });
  let out = "";
  started.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    started.once("error", reject);
    started.once("close", (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}

function cpuSeconds({ processes }: Cluster): number {
  const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return processes.reduce((sum, { pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }, 0);
}

function rssMiB({ pid }: ChildProcess): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    if (typeof address === "object" && address !== null) ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
