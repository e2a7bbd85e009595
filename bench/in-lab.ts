/**
 * Runs a benchmark where there is batman-adv, in the lab's virtual machine: `node bench/in-lab.ts
 * bench/netlink.ts`. The machine is emulated, so only the ratios of what ran beside each other mean
 * something. Exit code 3: the lab cannot run here.
 */

import process from "node:process";
import { Guest } from "../test/lab/host/guest.ts";
import { bootVirtualMachine } from "../test/lab/host/virtual-machine.ts";
import { labProblem } from "../test/lab/image/image.ts";
import { runScriptInGuest } from "../test/lab/run-in-guest.ts";

const [script, ...args] = process.argv.slice(2);
if (script === undefined) throw new Error("usage: node bench/in-lab.ts SCRIPT [ARGUMENTS]");
const problem = labProblem();
if (problem === null) process.exitCode = await runInLab(script);
else {
  console.error(problem);
  process.exitCode = 3;
}

async function runInLab(file: string): Promise<number> {
  const machine = await bootVirtualMachine();
  try {
    const guest = new Guest(machine.channel);
    const { stdout, stderr, exitCode } = await runScriptInGuest(guest, file, args, {
      timeoutMs: 1_800_000,
    });
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    return exitCode ?? 1;
  } finally {
    await machine.close();
  }
}
