/**
 * A process to be killed: applies a log drawn from a seed to a store on disk, from where the store
 * is, and says after each batch how far it came. Arguments: folder, seed, entries.
 */

import process from "node:process";
import { seededRandom, silentLogger } from "../../../src/base/index.ts";
import { defaultKvOptions, KvStateMachine } from "../../../src/kvstore/index.ts";
import { openLevelStorage } from "../../../src/kvstore/io/index.ts";
import { drawLog, RandomCommands } from "../../support/random-commands.ts";
import { realClock } from "../../support/real-clock.ts";

const [folder = "", seed = "1", count = "0"] = process.argv.slice(2);
const opened = await openLevelStorage(folder);
if (!opened.ok) throw new Error(opened.fault.message);
const parts = { storage: opened.value, clock: realClock, logger: silentLogger };
const store = new KvStateMachine(parts, { ...defaultKvOptions, sweptPerBatch: 5 });
const started = await store.start();
if (!started.ok) throw new Error(started.fault.message);
const log = drawLog(Number(seed), Number(count));
const chance = new RandomCommands(seededRandom(store.applied().index));
process.stdout.write(`${store.applied().index}\n`);
while (store.applied().index < log.length) {
  const { index } = store.applied();
  await store.apply(log.slice(index, index + 1 + chance.below(20)));
  process.stdout.write(`${store.applied().index}\n`);
  // Whoever reads this is to have a say in when it ends.
  await realClock.sleep(1);
}
await store.stop();
