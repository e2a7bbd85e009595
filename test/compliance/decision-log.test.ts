import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../src/base/index.ts";
import { MemoryDecisionLog, openLevelDecisionLog } from "../../src/mape-k/io/index.ts";
import { decisionLogComplies } from "./decision-log.ts";

decisionLogComplies("MemoryDecisionLog", async () => ({
  log: new MemoryDecisionLog(),
  cleanUp: async () => {},
}));

decisionLogComplies("LevelDecisionLog", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshmend-log-"));
  const opened = await openLevelDecisionLog(join(folder, "log"), { logger: silentLogger });
  if (!opened.ok) throw new Error(opened.fault.message);
  return { log: opened.value, cleanUp: () => rm(folder, { recursive: true }) };
});
