/** `npm run lab -- --keep`: a person types commands to the nodes of a mesh. */

import process from "node:process";
import { createInterface } from "node:readline/promises";
import { GuestError } from "./host/guest.ts";
import type { Mesh } from "./mesh.ts";

const commandTimeoutMs = 60_000;

/** Until end of file. What a command prints goes to stdout and stderr as it is. */
export async function prompt(mesh: Mesh): Promise<void> {
  const names = mesh.topology.nodes.map(({ name }) => name);
  process.stdout.write(
    `commands: NODE COMMAND... (${names.join(" ")}), loss LINK RATIO, restore; Ctrl-D ends\n`,
  );
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: "lab> " });
  lines.prompt();
  for await (const line of lines) {
    try {
      await obey(mesh, line.trim());
    } catch (thrown) {
      process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    }
    lines.prompt();
  }
}

async function obey(mesh: Mesh, line: string): Promise<void> {
  const [first = "", ...rest] = line.split(/\s+/);
  if (first === "") return;
  if (first === "restore") {
    await mesh.restore();
  } else if (first === "loss") {
    const ratio = Number(rest[1]);
    if (!(ratio >= 0 && ratio <= 1)) throw new GuestError("loss LINK RATIO: a ratio is 0 to 1");
    await mesh.loss(rest[0] ?? "", ratio);
  } else {
    const command = line.slice(first.length).trim();
    const options = { timeoutMs: commandTimeoutMs, mayFail: true };
    const { stdout, stderr } = await mesh.exec(first, ["bash", "-c", command], options);
    process.stdout.write(stdout);
    process.stderr.write(stderr);
  }
}
