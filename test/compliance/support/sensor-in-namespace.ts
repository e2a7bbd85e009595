/**
 * The rtnetlink sensor as a process inside a namespace: a socket belongs to the network of whoever
 * opened it. A line of input asks for a sample, a line of output answers.
 */

import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline/promises";
import type { OpenInterfacesSource } from "../interfaces-sensor.ts";

const script = path.join(import.meta.dirname, "sample-by-netlink.ts");

export const sensorInNamespace: OpenInterfacesSource = (namespace, watched) => {
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", script];
  const command = ["netns", "exec", namespace.name, ...node, JSON.stringify(watched)];
  const child: ChildProcess = spawn("ip", command, { stdio: ["pipe", "pipe", "inherit"] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("no pipes to the sampling process");
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    async sample() {
      stdin.write("sample\n");
      const line = await lines.next();
      if (line.done === true) throw new Error("the sampling process has ended");
      return JSON.parse(line.value);
    },
    async close() {
      // It ends by itself once the sensor is closed: nothing of the addon may hold it.
      stdin.end();
      await ended;
    },
  };
};
