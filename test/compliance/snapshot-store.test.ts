import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../src/base/index.ts";
import { SnapshotFiles } from "../../src/consensus/io/index.ts";
import { MemorySnapshots } from "../support/memory-snapshots.ts";
import { realClock } from "../support/real-clock.ts";
import { snapshotStoreComplies } from "./snapshot-store.ts";

snapshotStoreComplies("MemorySnapshots", async () => ({
  store: new MemorySnapshots(),
  async cleanUp() {},
}));

snapshotStoreComplies("SnapshotFiles", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshmend-snapshots-"));
  const store = new SnapshotFiles({ clock: realClock, logger: silentLogger }, { folder });
  const started = await store.start();
  if (!started.ok) throw new Error(started.fault.message);
  return {
    store,
    async cleanUp() {
      await store.stop();
      await rm(folder, { recursive: true });
    },
  };
});
