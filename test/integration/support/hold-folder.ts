/** Locks the folder it is given, says so, and stays. */

import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../../src/base/index.ts";
import { lockFolder } from "../../../src/consensus/io/index.ts";

const random = seededRandom(process.pid);
const locked = await lockFolder(process.argv[2] ?? "", { random });
console.log(locked.ok ? "locked" : locked.fault.code);
if (locked.ok) await delay(60_000);
