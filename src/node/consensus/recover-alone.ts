/**
 * The last resort after a majority is lost for good: one survivor, stopped, becomes the only member
 * of a new group with all that its log and snapshot hold. The new cluster id keeps the old members
 * out; whatever only they had acknowledged is lost, which is why somebody has to say so explicitly.
 */

import { access, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type Clock,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Random,
  type Result,
  silentLogger,
  timeOrderedId,
} from "../../base/index.ts";
import { type NodeConfig, writeHostPort } from "../../config/index.ts";
import {
  asTerm,
  type Entry,
  type LogWrite,
  type Member,
  type RecoveredLog,
  type SnapshotMeta,
} from "../../consensus/index.ts";
import {
  lockFolder,
  readIdentity,
  SegmentedLog,
  SnapshotFiles,
  writeIdentity,
} from "../../consensus/io/index.ts";
import { systemClock } from "../system-clock.ts";
import { systemRandom } from "../system-random.ts";
import { nowhere, segmentBytes } from "./agreement.ts";

export interface RecoveredAlone {
  readonly clusterId: string;
  readonly lastIndex: number;
}

/** Entries of one write. */
const batchEntries = 1_000;

/** Faults: E_FOLDER_LOCKED while the daemon runs, E_NOT_A_MEMBER, and those of log and snapshots. */
export async function recoverAlone(config: NodeConfig): Promise<Result<RecoveredAlone>> {
  const parts = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const folder = join(config.dataDir, "raft");
  const lock = await lockFolder(folder, parts);
  if (!lock.ok) return lock;
  try {
    return await rewrite(config, folder, parts);
  } catch (thrown) {
    return failed(fault("E_LOG_FAILED", `the new log was not written: ${messageOf(thrown)}`));
  } finally {
    await lock.value.release();
  }
}

interface Parts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

async function rewrite(
  config: NodeConfig,
  folder: string,
  parts: Parts,
): Promise<Result<RecoveredAlone>> {
  const stored = await readIdentity(folder);
  if (!stored.ok) return stored;
  const identity = stored.value;
  if (identity?.standing !== "member" && identity?.standing !== "removed") {
    return failed(fault("E_NOT_A_MEMBER", `${folder} holds no member's data`));
  }
  const [current, before, next] = ["log", "log.before", "log.next"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  // An earlier attempt was cut short between its two renames.
  if (!(await exists(current)) && (await exists(before))) await rename(before, current);
  const snapshots = new SnapshotFiles(parts, { folder: join(folder, "snapshots") });
  const snapshot = await snapshots.start();
  if (!snapshot.ok) return snapshot;
  await snapshots.stop();
  const { clusterId: oldCluster, nodeId } = identity;
  const old = await readLog(parts, current, { clusterId: oldCluster, nodeId }, snapshot.value);
  if (!old.ok) return old;
  const clusterId = timeOrderedId(parts.clock.wallMs(), parts.random);
  const { peer, advertise } = config.cluster;
  const at = advertise ?? peer;
  const self = { id: nodeId, address: at === null ? nowhere : writeHostPort(at) };
  await rm(next, { recursive: true, force: true });
  const log = new SegmentedLog(parts, {
    folder: next,
    clusterId,
    nodeId,
    mayCreate: true,
    segmentBytes,
  });
  const begun = await log.recover(snapshot.value);
  if (!begun.ok) return begun;
  const writes = writesOf(old.value, begun.value.base.index, self);
  for (const write of writes) await log.write(write);
  await log.stop();
  await rm(before, { recursive: true, force: true });
  await rename(current, before);
  await rename(next, current);
  const written = await writeIdentity(folder, { clusterId, nodeId, standing: "member" });
  if (!written.ok) return written;
  const lastIndex = writes.at(-1)?.entries.at(-1)?.index ?? 0;
  return ok({ clusterId, lastIndex });
}

async function readLog(
  parts: Parts,
  folder: string,
  owner: { readonly clusterId: string; readonly nodeId: string },
  snapshot: SnapshotMeta | null,
): Promise<Result<RecoveredLog>> {
  const log = new SegmentedLog(parts, { folder, ...owner, mayCreate: false, segmentBytes });
  const recovered = await log.recover(snapshot);
  await log.stop();
  return recovered;
}

/** All entries, agreed on or not, and behind them the membership of one, in a term of its own. */
function writesOf(
  { hardState, base, entries }: RecoveredLog,
  from: number,
  self: Member,
): readonly LogWrite[] {
  const term = asTerm(hardState.term + 1);
  const kept = entries.filter(({ index }) => index > from);
  const membership = { voters: [self], outgoing: null, learners: [] };
  const index = Math.max(from, base.index + entries.length) + 1;
  const last: Entry = { index, term, kind: "membership", membership };
  const all = [...kept, last];
  const writes: LogWrite[] = [];
  for (let i = 0; i < all.length; i += batchEntries) {
    const first = i === 0 ? { term, votedFor: null, repair: null } : null;
    writes.push({ hardState: first, entries: all.slice(i, i + batchEntries) });
  }
  return writes;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
