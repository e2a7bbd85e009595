/**
 * Appends groups of frames to the newest segment and moves on to the next. Knows where the next frame
 * stands and what part of a segment is kept free: its last bytes are for frames without entries, so
 * that compaction can free segments when there is no room for another.
 */

import { assert, type Random } from "../../base/index.ts";
import type { Entry } from "../log-entry.ts";
import { ByteWriter } from "./byte-writer.ts";
import { encodedEntryBytes } from "./entry-codec.ts";
import {
  type FramePlace,
  frameHeaderBytes,
  GroupWriter,
  type LogState,
  stateFrameBytes,
} from "./log-frame.ts";
import type { ActiveSegment, LiveSegment, SegmentFolder } from "./segment-folder.ts";
import { logFormatVersion, type SegmentHeader, segmentHeaderBytes } from "./segment-header.ts";

/** Kept free in each segment: some hundred frames without entries. */
export const reserveBytes = 64 * 1024;
/** Limit of what one sync confirms: the buffer stays small, and nobody waits behind megabytes. */
const maxGroupBytes = 4 << 20;
/** More than a membership of hundreds takes. */
const membershipRoomBytes = 128 * 1024;

interface LogWriterParts {
  readonly folder: SegmentFolder;
  readonly random: Random;
  readonly owner: Uint8Array;
}

export class LogWriter {
  readonly #parts: LogWriterParts;
  /** Older than the active one, oldest first. */
  #older: LiveSegment[];
  #active: ActiveSegment;
  #position: number;
  #place: FramePlace;
  readonly #group = new GroupWriter(new ByteWriter(64 * 1024));
  #highestInGroup = 0;

  constructor(
    parts: LogWriterParts,
    segments: { readonly older: LiveSegment[]; readonly active: ActiveSegment },
    end: { readonly position: number; readonly place: FramePlace },
  ) {
    this.#parts = parts;
    this.#older = segments.older;
    this.#active = segments.active;
    this.#position = end.position;
    this.#place = end.place;
  }

  get segmentCount(): number {
    return this.#older.length + 1;
  }

  beginGroup(): void {
    this.#group.begin(this.#place);
    this.#highestInGroup = 0;
  }

  /** A frame without entries; there is room for one behind any group. */
  addState(state: LogState): void {
    this.#group.addState(state);
  }

  /** False when it belongs into the next group, or segment. */
  add(entry: Entry, state: LogState): boolean {
    const bytes = encodedEntryBytes(entry) + stateFrameBytes(state);
    const room = entry.kind === "membership" ? bytes + membershipRoomBytes : bytes;
    const after = this.#group.bytes + room;
    if (after > this.#active.sizeBytes - reserveBytes - this.#position) return false;
    if (after > maxGroupBytes && this.#highestInGroup > 0) return false;
    this.#group.add(entry, state);
    this.#highestInGroup = Math.max(this.#highestInGroup, entry.index);
    return true;
  }

  /** Whether a frame without entries still fits. */
  hasRoomFor(state: LogState): boolean {
    return this.#position + stateFrameBytes(state) <= this.#active.sizeBytes;
  }

  /** Resolves when the group is on disk. Until then it may be tried again, the same bytes in place. */
  async commitGroup(): Promise<void> {
    const { bytes, place } = this.#group.end();
    await this.#active.file.writeDurably(bytes, this.#position);
    this.#position += bytes.length;
    this.#place = place;
    this.#active.highestIndex = Math.max(this.#active.highestIndex, this.#highestInGroup);
  }

  /**
   * Notes that the last group is synced, in a frame that the next group overwrites: should that last
   * group become unreadable, it is known not to be a torn end. Not synced itself.
   */
  async mark(state: LogState): Promise<void> {
    if (!this.hasRoomFor(state)) return;
    this.#group.begin(this.#place);
    this.#group.addState(state);
    await this.#active.file.write(this.#group.end().bytes, this.#position);
  }

  /** Goes on in a new segment that can take `entry`. False when the disk has no room for one. */
  async roll(state: LogState, entry: Entry | null): Promise<boolean> {
    const { folder } = this.#parts;
    const entryRoom =
      entry === null ? 0 : encodedEntryBytes(entry) + stateFrameBytes(state) + membershipRoomBytes;
    const neededBytes = segmentHeaderBytes + entryRoom + frameHeaderBytes + reserveBytes;
    const header = segmentHeader(this.#parts, this.#place, state, {
      sizeBytes: Math.max(folder.segmentBytes, neededBytes),
      previous: { sequence: this.#active.sequence, endBytes: this.#position },
    });
    const next = await folder.activate(header, null);
    if (next === null) return false;
    const { file, sequence, path, highestIndex } = this.#active;
    await file.close();
    this.#older.push({ sequence, path, highestIndex });
    this.#active = next;
    this.#position = segmentHeaderBytes;
    this.#place = header.place;
    folder.prepareSpare();
    return true;
  }

  /** Everything written so far is overridden by the last synced frame. */
  forgetEntries(): void {
    for (const segment of this.#older) segment.highestIndex = 0;
    this.#active.highestIndex = 0;
  }

  /** Gives back the segments that end at or before the base. */
  async dropBefore({ base }: LogState): Promise<void> {
    const needed = this.#older.findIndex(({ highestIndex }) => highestIndex > base.index);
    const count = needed === -1 ? this.#older.length : needed;
    await this.#parts.folder.retire(this.#older.splice(0, count));
  }

  async sync(): Promise<void> {
    await this.#active.file.sync();
  }

  async close(): Promise<void> {
    await this.#parts.folder.settled();
    await this.#active.file.close();
  }
}

/** The header of the segment that begins at `place`, in the same group and part, with a new salt. */
export function segmentHeader(
  { random, owner }: Pick<LogWriterParts, "random" | "owner">,
  place: FramePlace,
  state: LogState,
  rest: Pick<SegmentHeader, "sizeBytes" | "previous">,
): SegmentHeader {
  assert(place.sequence < 0xffff_ffff, "a sequence number that fits its field");
  const salt = random.uint32();
  const start = { ...place, sequence: place.sequence + 1, salt, chain: salt };
  return { formatVersion: logFormatVersion, owner, place: start, state, ...rest };
}
