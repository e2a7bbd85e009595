/**
 * `npm run cluster`: three nodes of one group on this machine, each with its own directory and ports
 * under ./.meshmend/cluster. Prints how to talk to them; Ctrl-C stops them all. What they agreed on
 * stays: the next start takes it up. `npm run cluster -- --fresh` begins anew.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "..");
const folder = path.resolve(".meshmend/cluster");
const node = (number) => ({
  id: `n${number}`,
  http: `127.0.0.1:${9480 + number}`,
  peer: `127.0.0.1:${9490 + number}`,
  dataDir: path.join(folder, `n${number}`),
});
const nodes = [1, 2, 3].map(node);
const say = (line) => process.stdout.write(`${line}\n`);

if (process.argv.includes("--fresh")) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const children = nodes.map(({ id, http, peer, dataDir }, at) => {
  const joins = at > 0 && !existsSync(path.join(dataDir, "raft/identity"));
  const words = ["run", "--node-id", id, "--http", http, "--peer", peer, "--data-dir", dataDir];
  if (joins) words.push("--join", nodes[0].peer);
  const child = spawn(path.join(root, "bin/meshmend"), words, {
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
  void gone.then((code) => say(`${id} | ended with ${code}`));
  return { child, gone };
});

let stopping = false;
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
  for (const { id, http, peer, dataDir } of nodes) {
    say(`  ${id}  http://${http}  peers at ${peer}  ${dataDir}`);
  }
  say(`try: bin/meshmend member list --http ${nodes[0].http}`);
  say(`     bin/meshmend member transfer n2 --http ${nodes[0].http}`);
  say("Ctrl-C stops them all");
});
const codes = await Promise.all(children.map(({ gone }) => gone));
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
