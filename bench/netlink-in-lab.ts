/**
 * bench/netlink.ts where there is a batman-adv: boots the lab's machine, runs it there, prints what it
 * prints. The processors are emulated, some 20 times slower: read the ratios.
 *
 *     node_modules/.bin/node bench/netlink-in-lab.ts
 */

import process from "node:process";
import { Guest } from "../test/lab/host/guest.ts";
import { bootVirtualMachine } from "../test/lab/host/virtual-machine.ts";
import { labProblem } from "../test/lab/image/image.ts";
import { runScriptInGuest } from "../test/lab/run-in-guest.ts";

const withinMs = 900_000;

const problem = labProblem();
if (problem !== null) throw new Error(problem);
const machine = await bootVirtualMachine();
try {
  const guest = new Guest(machine.channel);
  const { stdout, stderr, exitCode } = await runScriptInGuest(guest, "bench/netlink.ts", [], {
    timeoutMs: withinMs,
  });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode ?? 1;
} finally {
  await machine.close();
}
