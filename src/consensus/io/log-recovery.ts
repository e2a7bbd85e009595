/**
 * Finds out what the segments of a log hold, and leaves them so that a later recovery, whatever was
 * torn in between, finds the same. Knows in which order segments belong together.
 */

import {
  type Fault,
  failed,
  fault,
  type Logger,
  ok,
  type Random,
  type Result,
} from "../../base/index.ts";
import { asTerm, beforeTheLog } from "../log-entry.ts";
import type { SnapshotMeta } from "../message.ts";
import type { RecoveredLog } from "../raft-log.ts";
import { behindSnapshot } from "../recovered-log.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type FramePlace, GroupWriter, type LogState } from "./log-frame.ts";
import { LogImage } from "./log-image.ts";
import { LogWriter, reserveBytes, segmentHeader } from "./log-writer.ts";
import type { LiveSegment, NamedSegment, SegmentFolder } from "./segment-folder.ts";
import { logFormatVersion, type SegmentHeader, segmentHeaderBytes } from "./segment-header.ts";
import { type ScanEnd, scanSegment } from "./segment-scan.ts";

interface RecoveryParts {
  readonly folder: SegmentFolder;
  readonly random: Random;
  readonly logger: Logger;
  readonly owner: Uint8Array;
}

type RecoveryFault = Fault<
  "E_LOG_DAMAGED" | "E_LOG_MISSING" | "E_LOG_FOREIGN" | "E_LOG_VERSION" | "E_LOG_FULL"
>;

interface Recovery {
  readonly log: RecoveredLog;
  readonly writer: LogWriter;
}

/** A segment that takes part, with its header. */
interface SoundSegment extends LiveSegment {
  readonly header: SegmentHeader;
}

/** Throws what the system throws. @param mayCreate whether an empty folder is a fresh node's */
export async function recoverLog(
  parts: RecoveryParts,
  snapshot: SnapshotMeta | null,
  mayCreate: boolean,
): Promise<Result<Recovery, RecoveryFault>> {
  const named = await parts.folder.open();
  const newest = named.at(-1);
  if (newest === undefined) {
    if (snapshot === null && mayCreate) return await create(parts);
    const message = `${parts.folder.folder} holds no segment of the Raft log that was there before`;
    return failed(fault("E_LOG_MISSING", message, lostDisk));
  }
  const refusal = refusalOf(newest, parts);
  if (refusal !== null) return failed(refusal);
  const chain = chainOf(named);
  const image = new LogImage();
  const end = await readChain(parts, chain, image);
  const assembled = image.assemble(snapshot ?? beforeTheLog);
  const log = behindSnapshot(assembled.log, snapshot);
  const recovered = assembled.damaged
    ? await rewrite(parts, named, log, image.state, end.place)
    : await resume(parts, named, chain, log, image.state, end);
  return recovered;
}

const lostDisk = "a node that lost its disk comes back under a new id";

function refusalOf(newest: NamedSegment, { owner }: RecoveryParts): RecoveryFault | null {
  const { header, path, sequence } = newest;
  if (header === null || header.place.sequence !== sequence) {
    const message = `the header of ${path} is damaged: the term and the vote are not known`;
    return fault("E_LOG_DAMAGED", message, lostDisk);
  }
  if (header.formatVersion !== logFormatVersion) {
    const message = `${path} has format ${header.formatVersion}, this version reads ${logFormatVersion}`;
    return fault("E_LOG_VERSION", message);
  }
  if (Buffer.compare(header.owner, owner) === 0) return null;
  return fault("E_LOG_FOREIGN", `${path} belongs to another node or another cluster`);
}

/** Oldest first, as each header names the one before; a segment that is not there leaves a hole. */
function chainOf(named: readonly NamedSegment[]): SoundSegment[] {
  const chain: SoundSegment[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  for (const { sequence, path, header } of named.toReversed()) {
    // A recycled file under its old name: the rename did not reach the disk.
    if (sequence > wanted || header === null || header.place.sequence !== sequence) continue;
    chain.unshift({ sequence, path, header, highestIndex: 0 });
    wanted = header.previous.sequence;
    if (wanted === 0) break;
  }
  return chain;
}

async function readChain(
  { folder, logger }: RecoveryParts,
  chain: readonly SoundSegment[],
  image: LogImage,
): Promise<ScanEnd> {
  let end: ScanEnd | null = null;
  for (const [number, segment] of chain.entries()) {
    const next = chain[number + 1]?.header ?? null;
    const { path, sequence, header } = segment;
    if (chain[number - 1]?.sequence !== header.previous.sequence) image.breakHere();
    image.begin(header.state);
    const successor = next?.previous.sequence === sequence ? next : null;
    const sealedAtBytes = successor?.previous.endBytes ?? null;
    const bytes = await folder.read(path);
    end = scanSegment(
      bytes,
      { place: header.place, startBytes: segmentHeaderBytes, sealedAtBytes },
      {
        onFrame(frame) {
          image.apply(frame);
          const last = frame.entries.at(-1)?.index ?? 0;
          segment.highestIndex = Math.max(segment.highestIndex, last);
        },
        onDamage(atBytes) {
          image.breakHere();
          logger.error("a frame of the Raft log is unreadable", { path, atBytes });
        },
      },
    );
    // Frames may also be missing at a sealed end that the file does not reach any more.
    if (sealedAtBytes !== null && end.endBytes !== sealedAtBytes) image.breakHere();
  }
  if (end === null) throw new Error("broken invariant: expected a chain of at least one segment");
  return end;
}

async function create(parts: RecoveryParts): Promise<Result<Recovery, RecoveryFault>> {
  const hardState = { term: asTerm(0), votedFor: null, repair: null };
  const log: RecoveredLog = { hardState, base: beforeTheLog, entries: [] };
  const place = { sequence: 0, salt: 0, chain: 0, group: 0, part: 0 };
  return await startOver(parts, log, place);
}

/** Entries that were acknowledged are gone: what is left moves to a new segment, in one step. */
async function rewrite(
  parts: RecoveryParts,
  named: readonly NamedSegment[],
  log: RecoveredLog,
  { lastIndex }: LogState,
  { group }: FramePlace,
): Promise<Result<Recovery, RecoveryFault>> {
  const kept = log.base.index + log.entries.length;
  parts.logger.error("the Raft log lost entries; this node does not vote until it has them again", {
    keptIndex: kept,
    lastIndex,
  });
  const sequence = named.at(-1)?.sequence ?? 0;
  const place = { sequence, salt: 0, chain: 0, group: group + 1, part: 0 };
  const recovered = await startOver(parts, log, place);
  if (recovered.ok) await parts.folder.retire(named.map(asLive));
  return recovered;
}

/** A segment of its own that holds `log` and follows no other; `place` is the one before it. */
async function startOver(
  parts: RecoveryParts,
  log: RecoveredLog,
  place: FramePlace,
): Promise<Result<Recovery, RecoveryFault>> {
  const { base, hardState, entries } = log;
  const state: LogState = { base, hardState, lastIndex: base.index };
  const previous = { sequence: 0, endBytes: 0 };
  const header = segmentHeader(parts, place, state, { sizeBytes: 0, previous });
  const group = new GroupWriter(new ByteWriter(64 * 1024));
  group.begin(header.place);
  group.addState(state);
  for (const entry of entries) group.add(entry, state);
  const { bytes, place: next } = group.end();
  const position = segmentHeaderBytes + bytes.length;
  const sizeBytes = Math.max(parts.folder.segmentBytes, position + reserveBytes);
  const active = await parts.folder.activate({ ...header, sizeBytes }, bytes);
  if (active === null) return failed(noRoom(parts));
  active.highestIndex = base.index + entries.length;
  const writer = new LogWriter(parts, { older: [], active }, { position, place: next });
  return ok({ log, writer });
}

function noRoom({ folder }: RecoveryParts): RecoveryFault {
  const message = `no room in ${folder.folder} for a segment of ${folder.segmentBytes} bytes`;
  return fault("E_LOG_FULL", message, "free space on this file system");
}

/** Goes on where the log ends, with everything before that on disk. */
async function resume(
  parts: RecoveryParts,
  named: readonly NamedSegment[],
  chain: readonly SoundSegment[],
  log: RecoveredLog,
  before: LogState,
  end: ScanEnd,
): Promise<Result<Recovery, RecoveryFault>> {
  const newest = chain.at(-1);
  if (newest === undefined) throw new Error("broken invariant: expected a newest segment");
  const active = await parts.folder.reopen(newest, newest.header.sizeBytes);
  // A killed process leaves frames that were read from memory and are not on the disk yet.
  await active.file.sync();
  const { endBytes: position, place } = end;
  if (end.strays) await scrub(active.file, position, newest.header.sizeBytes);
  const older = chain.slice(0, -1).map(asLive);
  const writer = new LogWriter(parts, { older, active }, { position, place });
  const { base, hardState, entries } = log;
  const state: LogState = { base, hardState, lastIndex: base.index + entries.length };
  const changed =
    base.index !== before.base.index ||
    state.lastIndex !== before.lastIndex ||
    hardState !== before.hardState;
  // A group that is not closed was torn. What is left of it is synced now: the next is another.
  if (changed || place.part > 0) {
    if (!writer.hasRoomFor(state) && !(await writer.roll(state, null))) {
      await writer.close();
      return failed(noRoom(parts));
    }
    writer.beginGroup();
    writer.addState(state);
    await writer.commitGroup();
  }
  const inUse = new Set(chain.map(({ sequence }) => sequence));
  await parts.folder.retire(named.filter(({ sequence }) => !inUse.has(sequence)).map(asLive));
  await writer.dropBefore(state);
  return ok({ log, writer });
}

/** Zeros from the log's end to the segment's, synced. */
async function scrub(
  file: { writeDurably(bytes: Uint8Array, position: number): Promise<void> },
  fromBytes: number,
  toBytes: number,
): Promise<void> {
  await file.writeDurably(Buffer.alloc(toBytes - fromBytes), fromBytes);
}

function asLive(segment: Omit<LiveSegment, "highestIndex"> & Partial<LiveSegment>): LiveSegment {
  const { sequence, path, highestIndex = 0 } = segment;
  return { sequence, path, highestIndex };
}
