/**
 * How many log entries a second one node gets across to another and acknowledged, 256 bytes each, in
 * appends of 1, 64 and 256 with 64 appends under way: the peer transport beside frames of our own
 * over TCP and TLS. Two processes on loopback.
 *
 *     node_modules/.bin/node bench/consensus-wire.ts
 */

import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { PeerSecurity } from "../src/consensus/io/peer-credentials.ts";
import { type Certificates, type Ends, openRawEnds } from "./support/raw-frames.ts";
import { machine } from "./support/statistics.ts";
import { openTransportEnds } from "./support/transport-ends.ts";

const ways = ["gRPC", "TCP", "gRPC, TLS", "TCP, TLS"] as const;
type Way = (typeof ways)[number];

const batches = [1, 64, 256];
const underWay = 64;
const commandBytes = 256;
const warmUpMs = 500;
const measuredMs = Number(process.env["BENCH_MS"] ?? 2_000);

function openEnds(
  way: Way,
  role: "leader" | "follower",
  certificates: Certificates,
): Promise<Ends> {
  const secret = way.endsWith("TLS") ? certificates : null;
  if (way.startsWith("TCP")) return openRawEnds(secret);
  const security: PeerSecurity = {
    credentials: secret && { current: () => secret },
    insecure: false,
  };
  return openTransportEnds(role, security);
}

if (process.argv[2] === "follower") await follow();
else await lead();

/** The other process: answers appends until it is told to end. */
async function follow(): Promise<void> {
  const [, , , way, folder] = process.argv;
  const ends = await openEnds(way as Way, "follower", readCertificates(folder ?? ""));
  process.once("message", (leaderPort: number) => ends.answer(leaderPort));
  process.send?.(ends.port);
  process.once("disconnect", () => process.exit());
}

async function lead(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-bench-"));
  try {
    makeCertificates(folder);
    console.log(`${machine()}; ${measuredMs} ms each, ${commandBytes} bytes an entry\n`);
    const heads = batches.map((batch) => `entries/s at ${batch} | CPU µs an entry`);
    console.log(`| way | ${heads.join(" | ")} |\n|${"---|".repeat(1 + 2 * batches.length)}`);
    for (const way of ways) {
      const cells: string[] = [];
      for (const batch of batches) {
        const { entriesPerSecond, cpuMicroseconds } = await measure(way, batch, folder);
        cells.push(Math.round(entriesPerSecond).toLocaleString("en"), cpuMicroseconds.toFixed(1));
      }
      console.log(`| ${way} | ${cells.join(" | ")} |`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(way: Way, batch: number, folder: string) {
  const ends = await openEnds(way, "leader", readCertificates(folder));
  const child = fork(import.meta.filename, ["follower", way, folder]);
  const [followerPort] = (await once(child, "message")) as [number];
  child.send(ends.port);
  const entries = Array.from({ length: batch }, () => new Uint8Array(commandBytes));
  let acknowledged = 0;
  let running = true;
  const link = await ends.connect(followerPort, (count) => {
    acknowledged += count;
    if (running) for (let more = 0; more < count / batch; more++) link.append(entries);
  });
  for (let first = 0; first < underWay; first++) link.append(entries);
  await delay(warmUpMs);
  const before = { acknowledged, cpu: cpuOfBoth(child), atMs: performance.now() };
  await delay(measuredMs);
  const count = acknowledged - before.acknowledged;
  const entriesPerSecond = (count * 1_000) / (performance.now() - before.atMs);
  const cpuMicroseconds = (cpuOfBoth(child) - before.cpu) / count;
  running = false;
  const gone = once(child, "exit");
  child.disconnect();
  await gone;
  await ends.close();
  return { entriesPerSecond, cpuMicroseconds };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** User and system time of this process and the child, in microseconds (proc_pid_stat(5)). */
function cpuOfBoth(child: ChildProcess): number {
  const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const { user, system } = process.cpuUsage();
  return user + system + ticks * 10_000;
}

function makeCertificates(folder: string): void {
  const openssl = (...args: readonly string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const self = ["req", "-x509", ...curve, "-keyout", "key.pem", "-out", "cert.pem"];
  const names = "subjectAltName=DNS:leader,DNS:follower,DNS:localhost";
  openssl(...self, "-subj", "/CN=bench", "-addext", names, "-days", "1");
}

function readCertificates(folder: string): Certificates {
  const certificate = readFileSync(join(folder, "cert.pem"), "utf8");
  const key = readFileSync(join(folder, "key.pem"), "utf8");
  return { authorities: certificate, certificate, key };
}
