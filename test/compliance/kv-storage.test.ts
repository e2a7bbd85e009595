import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryStorage, openLevelStorage } from "../../src/kvstore/io/index.ts";
import { kvStorageComplies } from "./kv-storage.ts";

kvStorageComplies("MemoryStorage", async () => ({
  storage: new MemoryStorage({ undoableBatches: 2 }),
  cleanUp: async () => {},
}));

kvStorageComplies("LevelStorage", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshmend-kv-"));
  const opened = await openLevelStorage(join(folder, "kv"));
  if (!opened.ok) throw new Error(opened.fault.message);
  return { storage: opened.value, cleanUp: () => rm(folder, { recursive: true }) };
});
