/**
 * A saved snapshot becomes the data of a node that has none: the first member of a new group, whose
 * store begins as the snapshot was. The new cluster id keeps members of the old group out; other
 * nodes join it with new data.
 */

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  failed,
  fault,
  messageOf,
  ok,
  type Result,
  silentLogger,
  timeOrderedId,
} from "../../base/index.ts";
import { type NodeConfig, writeHostPort } from "../../config/index.ts";
import { asTerm, type Entry, type SnapshotMeta } from "../../consensus/index.ts";
import {
  lockFolder,
  SegmentedLog,
  SnapshotFiles,
  writeIdentity,
} from "../../consensus/io/index.ts";
import { type SnapshotSummary, summarizeSnapshot } from "../../kvstore/index.ts";
import { nowhere, segmentBytes } from "../consensus/agreement.ts";
import { systemClock } from "../system-clock.ts";
import { systemRandom } from "../system-random.ts";
import { withSnapshot } from "./snapshot-file.ts";

export interface RestoredSnapshot extends SnapshotSummary {
  readonly clusterId: string;
}

const parts = { clock: systemClock, random: systemRandom, logger: silentLogger };

/**
 * Faults: E_FOLDER_LOCKED while the daemon runs, E_DATA_DIR_NOT_EMPTY, E_SNAPSHOT_READ,
 * E_SNAPSHOT_DAMAGED, and those of log, snapshots and identity.
 */
export async function restoreSnapshot(
  config: NodeConfig,
  path: string,
): Promise<Result<RestoredSnapshot>> {
  for (const name of ["raft", "kv"]) {
    const folder = join(config.dataDir, name);
    if (await isEmpty(folder)) continue;
    const remedy = "restore into a new data directory, or move raft/ and kv/ away first";
    return failed(fault("E_DATA_DIR_NOT_EMPTY", `${folder} holds data already`, remedy));
  }
  const folder = join(config.dataDir, "raft");
  const lock = await lockFolder(folder, parts);
  if (!lock.ok) return lock;
  try {
    const restored = await withSnapshot(path, (content) => restoreInto(config, folder, content));
    // The folder was empty before: what lies there now is half of this.
    if (!restored.ok) await removeAll(folder);
    return restored;
  } catch (thrown) {
    return failed(fault("E_LOG_FAILED", `the new log was not written: ${messageOf(thrown)}`));
  } finally {
    await lock.value.release();
  }
}

/** What an earlier attempt has locked, and left nothing else in, is empty. */
async function isEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).every((name) => name === "lock" || name === "LOCK");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return true;
    throw thrown;
  }
}

async function removeAll(folder: string): Promise<void> {
  for (const name of ["log", "snapshots"]) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function restoreInto(
  config: NodeConfig,
  folder: string,
  content: () => AsyncIterable<Uint8Array>,
): Promise<Result<RestoredSnapshot>> {
  const { signal } = new AbortController();
  const read = await summarizeSnapshot(content(), signal);
  if (!read.ok) return read;
  const summary = read.value;
  const nodeId = config.nodeId;
  const clusterId = timeOrderedId(parts.clock.wallMs(), parts.random);
  const { peer, advertise } = config.cluster;
  const at = advertise ?? peer;
  const self = { id: nodeId, address: at === null ? nowhere : writeHostPort(at) };
  const membership = { voters: [self], outgoing: null, learners: [] };
  const { index, term } = summary.position;
  const meta: SnapshotMeta = { index, term: asTerm(term), membership };

  const log = new SegmentedLog(parts, {
    folder: join(folder, "log"),
    clusterId,
    nodeId,
    mayCreate: true,
    segmentBytes,
  });
  const begun = await log.recover(null);
  if (!begun.ok) return begun;
  await log.reset(meta);
  const nextTerm = asTerm(term + 1);
  const hardState = { term: nextTerm, votedFor: null, repair: null };
  const first: Entry = { index: index + 1, term: nextTerm, kind: "membership", membership };
  await log.write({ hardState, entries: [first] });
  await log.stop();

  const snapshots = new SnapshotFiles(parts, { folder: join(folder, "snapshots") });
  const empty = await snapshots.start();
  if (!empty.ok) return empty;
  const saved = await snapshots.save(meta, content(), signal);
  await snapshots.stop();
  if (!saved.ok) return saved;

  // Last: without it, there is no member.
  const written = await writeIdentity(folder, { clusterId, nodeId, standing: "member" });
  return written.ok ? ok({ ...summary, clusterId }) : written;
}
