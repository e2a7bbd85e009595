/** A test file's way to the machine that global-setup.ts booted. */

import { connect } from "node:net";
import { createInterface } from "node:readline";
import { inject } from "vitest";
import { Guest, type LineHandler } from "./host/guest.ts";

export interface ConnectedLab {
  readonly guest: Guest;
  close(): Promise<void>;
}

/** Null when there is a lab, else why not, for `ctx.skip`. */
export function labProblemHere(): string | null {
  return inject("labProblem");
}

export async function connectLab(): Promise<ConnectedLab> {
  const path = inject("labSocket");
  if (path === null) throw new Error(`no lab: ${inject("labProblem")}`);
  const socket = connect(path);
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let handler: LineHandler | null = null;
  socket.on("error", (error) => handler?.ended(error.message));
  socket.on("close", () => handler?.ended("the lab is gone"));
  createInterface({ input: socket }).on("line", (line) => handler?.line(line));
  const guest = new Guest({
    send: (line) => socket.write(`${line}\n`),
    listen: (next) => {
      handler = next;
    },
  });
  return {
    guest,
    async close() {
      await guest.reset();
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.end();
      await closed;
    },
  };
}
