/**
 * Runs the claims of batman-port.ts on a real bat0, with both ports, and prints one line of JSON a
 * claim. Started inside the lab's virtual machine, in the namespace of a node:
 * `node batman-port.guest.ts MESH HARD_INTERFACE [FOLDER_OF_meshmend.node]`.
 */

import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { messageOf } from "../../src/base/index.ts";
import { commandRunner } from "../../src/mape-k/io/index.ts";
import type { BatmanPort } from "../../src/mesh/batman/index.ts";
import {
  type BatadvNetlink,
  BatctlBatmanPort,
  NetlinkBatmanPort,
} from "../../src/mesh/batman/io/index.ts";
import { realClock } from "../support/real-clock.ts";
import { batmanPortClaims } from "./batman-port.ts";

const [mesh = "bat0", hardInterface = "v12", folder] = process.argv.slice(2);
const ports: BatmanPort[] = [
  new BatctlBatmanPort({ run: commandRunner(realClock, 4 * 1024 * 1024) }),
];
if (folder !== undefined) {
  const netlink = createRequire(import.meta.url)(path.join(folder, "meshmend.node"));
  ports.push(new NetlinkBatmanPort({ netlink: netlink as BatadvNetlink }));
}
let failures = 0;
for (const port of ports) {
  for (const { claim, check } of batmanPortClaims) {
    const failure = await check({ port, mesh, hardInterface }).then(() => null, messageOf);
    if (failure !== null) failures++;
    const line = { port: port.backEnd, claim, passed: failure === null, failure };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
