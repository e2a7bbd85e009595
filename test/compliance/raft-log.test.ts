import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, silentLogger } from "../../src/base/index.ts";
import { SegmentedLog } from "../../src/consensus/io/index.ts";
import { FaultyFileSystem } from "../support/faulty-file-system.ts";
import { realClock } from "../support/real-clock.ts";
import { SimulatedLog } from "../support/simulated-log.ts";
import { raftLogComplies } from "./raft-log.ts";

raftLogComplies("SimulatedLog", async () => {
  let log = new SimulatedLog(null);
  return {
    log,
    async restart() {
      await log.stop();
      log = new SimulatedLog(log.disk);
      return log;
    },
    setFull: (full) => log.setFull(full),
    async cleanUp() {},
  };
});

for (const [name, segmentBytes] of [
  ["SegmentedLog", 1 << 20],
  ["SegmentedLog with segments of a few entries", 80 << 10],
] as const) {
  raftLogComplies(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), "meshmend-log-"));
    const fileSystem = new FaultyFileSystem();
    const random = seededRandom(1);
    const parts = { clock: realClock, random, logger: silentLogger, fileSystem };
    const owner = { clusterId: "c", nodeId: "n1", mayCreate: true };
    const options = { folder, ...owner, segmentBytes, retryMs: 20 };
    let log = new SegmentedLog(parts, options);
    return {
      log,
      async restart() {
        await log.stop();
        log = new SegmentedLog(parts, options);
        return log;
      },
      setFull: (full) => fileSystem.setFull(full),
      cleanUp: () => rm(folder, { recursive: true }),
    };
  });
}
