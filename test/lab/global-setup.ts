/**
 * One machine for all lab tests of a vitest run. It is booted before the first of them, in vitest's
 * own process, and its channel is lent to one test file after the other through a socket.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { TestProject } from "vitest/node";
import type { LineChannel } from "./host/guest.ts";
import { bootVirtualMachine } from "./host/virtual-machine.ts";
import { buildImage, labProblem } from "./image/image.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the machine's channel is to be had; null when `labProblem` says why there is none. */
    labSocket: string | null;
    labProblem: string | null;
  }
}

/** Set for tests that run inside the machine: see run-in-guest.ts. */
export const insideVariable = "MESHMEND_LAB_INSIDE";

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const problem = reasonToSkip();
  project.provide("labProblem", problem);
  if (problem !== null) {
    project.provide("labSocket", null);
    return undefined;
  }
  const machine = await bootVirtualMachine();
  const folder = mkdtempSync(join(tmpdir(), "meshmend-lab-"));
  const socket = join(folder, "channel");
  const server = await lend(machine.channel, socket);
  project.provide("labSocket", socket);
  return async () => {
    server.close();
    const failed = project.vitest.state.getCountOfFailedTests() > 0;
    await machine.close({ keepLogs: failed });
    if (failed && existsSync(machine.logFolder)) {
      console.log(`the lab's logs: ${machine.logFolder}`);
    }
    rmSync(folder, { recursive: true, force: true });
  };
}

function reasonToSkip(): string | null {
  if (process.env[insideVariable] !== undefined) return "runs inside the lab";
  if (process.env["MESHMEND_TEST_LAB"] === "0") return "left out: MESHMEND_TEST_LAB is 0";
  return labProblem() ?? imageProblem();
}

/** Without a network the kernel cannot be fetched: a reason to skip, as a missing tool is. */
function imageProblem(): string | null {
  try {
    buildImage();
    return null;
  } catch (thrown) {
    return `needs the lab's image, which could not be built: ${(thrown as Error).message}`;
  }
}

/** To one at a time. Whoever comes while it is lent is sent away, which its test will tell. */
function lend(channel: LineChannel, path: string): Promise<Server> {
  let borrower: Socket | null = null;
  const server = createServer((socket) => {
    if (borrower !== null) {
      socket.end();
      return;
    }
    borrower = socket;
    channel.listen({
      line: (line) => socket.write(`${line}\n`),
      ended: () => socket.end(),
    });
    createInterface({ input: socket }).on("line", (line) => channel.send(line));
    // It may have died; its next words find nobody, and the next borrower resets the guest.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      borrower = null;
      channel.listen(null);
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve(server));
  });
}
