/**
 * `npm run cluster`: three nodes of one group on this machine, each with its own directory and ports
 * under ./.meshmend/cluster. Prints how to talk to them; Ctrl-C stops them all. What they agreed on
 * stays: the next start takes it up. `npm run cluster -- --fresh` begins anew.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";

const root = path.join(import.meta.dirname, "..");
const folder = path.resolve(".meshmend/cluster");
const node = (number) => ({
  id: `n${number}`,
  http: `127.0.0.1:${9480 + number}`,
  grpc: `127.0.0.1:${9470 + number}`,
  peer: `127.0.0.1:${9490 + number}`,
  dataDir: path.join(folder, `n${number}`),
});
const nodes = [1, 2, 3].map(node);
const say = (line) => process.stdout.write(`${line}\n`);

function refuse(why) {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

const words = process.argv.slice(2);
const strange = words.find((word) => word !== "--fresh");
if (strange !== undefined) {
  refuse(`${strange}: expected nothing, or --fresh to begin with empty nodes`);
}
// Before anything is removed: the data may be that of nodes that run.
for (const address of nodes.flatMap(({ http, grpc, peer }) => [http, grpc, peer])) {
  if (!(await isFree(address))) {
    refuse(`${address} is in use: does another \`npm run cluster\` run? See: ss -ltnp`);
  }
}
if (words.includes("--fresh")) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

function isFree(address) {
  const [host, port] = address.split(":");
  const { promise, resolve } = Promise.withResolvers();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen({ host, port: Number(port) }, () => server.close(() => resolve(true)));
  return promise;
}

let stopping = false;
const children = nodes.map(({ id, http, grpc, peer, dataDir }, at) => {
  const joins = at > 0 && !existsSync(path.join(dataDir, "raft/identity"));
  const options = ["run", "--node-id", id, "--data-dir", dataDir];
  options.push("--http", http, "--grpc", grpc, "--peer", peer);
  if (joins) options.push("--join", nodes[0].peer);
  const child = spawn(path.join(root, "bin/meshmend"), options, {
    env: { ...process.env, MESHMEND_LOG_FORMAT: "pretty" },
    // In a group of its own: a terminal's Ctrl-C goes to this script, which stops them in order.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    let rest = "";
    stream.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) say(`${id} | ${line}`);
    });
  }
  const gone = new Promise((resolve) => child.once("close", resolve));
  void gone.then((code) => {
    say(`${id} | ended with ${code}`);
    if (!stopping) say(`${id} ended by itself; the others go on, Ctrl-C stops them`);
  });
  return { child, gone };
});

async function stopAll() {
  if (stopping) return;
  stopping = true;
  for (const { child, gone } of children) {
    child.kill("SIGTERM");
    await gone;
  }
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void stopAll());

async function ready({ http }) {
  for (;;) {
    try {
      const answer = await fetch(`http://${http}/api/v1/cluster/members`);
      const cluster = await answer.json();
      if (cluster.members.filter(({ role }) => role === "voter").length === nodes.length) return;
    } catch {
      // Not listening yet.
    }
    if (stopping) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
void Promise.all(nodes.map(ready)).then(() => {
  if (stopping) return;
  say("");
  say("three nodes agree with each other:");
  for (const { id, http, grpc, peer, dataDir } of nodes) {
    say(`  ${id}  http://${http}  etcd API at ${grpc}  peers at ${peer}  ${dataDir}`);
  }
  say("in another terminal:");
  say(`  bin/meshmend member list --http ${nodes[0].http}`);
  say(`  bin/meshmend member transfer n2 --http ${nodes[0].http}`);
  say(`  ETCDCTL_API=3 etcdctl --endpoints ${nodes.map(({ grpc }) => grpc)} put key value`);
  say("Ctrl-C stops them all; what they agreed on stays");
});
const codes = await Promise.all(children.map(({ gone }) => gone));
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
