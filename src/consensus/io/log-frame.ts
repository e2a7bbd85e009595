/**
 * The unit of the log on disk: some entries, and everything else that has to be known, behind one
 * checksum. Every frame states the whole hard state, the base and the last index, so any later frame
 * makes up for a lost one except for its entries, and compaction or a vote is a frame without any.
 *
 *     offset  bytes  little-endian; frames begin at multiples of 8
 *          0      4  length of the body
 *          4      4  CRC-32 of offset 8 to the end of the body, begun with the segment's salt
 *          8      4  the checksum of the frame before, or the salt in a segment's first
 *         12      4  the segment's sequence number
 *         16      6  group: what shares one sync; one is begun only when the one before is synced
 *         22      2  part within the group; the top bit marks the last
 *         24      6  the last index of the log after this frame
 *         30      2  number of entries
 *         32         base, hard state, index of the first entry, entries
 *
 * The first entry replaces everything at or after its index. The salt is drawn at random for each use
 * of a segment: neither what a recycled file held before nor bytes that a client made up pass.
 */

import { crc32 } from "node:zlib";
import type { HardState } from "../effect.ts";
import type { Entry, LogIndex, LogPosition } from "../log-entry.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import {
  readEntry,
  readHardState,
  readPosition,
  writeEntry,
  writeHardState,
  writePosition,
} from "./entry-codec.ts";

export const frameHeaderBytes = 32;
export const frameAlignment = 8;
const checksumAt = 4;
const checkedFrom = 8;
const lastPartBit = 0x8000;
/** A frame is closed when it has reached this: what one flipped byte may cost. */
const frameTargetBytes = 64 * 1024;
const maxFrameEntries = 0xffff;

/** All that counts besides the entries. */
export interface LogState {
  readonly hardState: HardState;
  readonly base: LogPosition;
  readonly lastIndex: LogIndex;
}

/** Which frame comes next, and what it must be chained to. */
export interface FramePlace {
  readonly sequence: number;
  readonly salt: number;
  /** The checksum of the frame before. */
  readonly chain: number;
  readonly group: number;
  readonly part: number;
}

export interface Frame {
  readonly previous: number;
  readonly checksum: number;
  readonly group: number;
  readonly part: number;
  readonly lastPart: boolean;
  readonly state: LogState;
  readonly entries: readonly Entry[];
  /** Where the next one begins. */
  readonly end: number;
}

/** The place behind `frame`. */
export function placeAfter(place: FramePlace, frame: Frame): FramePlace {
  const { group, part, lastPart, checksum } = frame;
  const next = lastPart ? { group: group + 1, part: 0 } : { group, part: part + 1 };
  return { ...place, ...next, chain: checksum };
}

/** Upper bound for a frame without entries. */
export function stateFrameBytes({ hardState }: LogState): number {
  const voteBytes = hardState.votedFor === null ? 0 : Buffer.byteLength(hardState.votedFor);
  return frameHeaderBytes + 64 + voteBytes + frameAlignment;
}

/** Encodes the frames of one group, one after the other, into a writer that starts at a frame's place. */
export class GroupWriter {
  readonly #out: ByteWriter;
  #place: FramePlace = { sequence: 0, salt: 0, chain: 0, group: 0, part: 0 };
  #state: LogState | null = null;
  #frameStart = -1;
  #entries = 0;
  #lastIndex: LogIndex = 0;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  begin(place: FramePlace): void {
    this.#out.clear();
    this.#place = place;
    this.#frameStart = -1;
  }

  get bytes(): number {
    return this.#out.length;
  }

  /** A frame without entries. */
  addState(state: LogState): void {
    this.#closeFrame(false);
    this.#openFrame(state, 0);
    this.#lastIndex = state.lastIndex;
  }

  /** `state` by identity: entries added with the same one share frames. Its last index is not read. */
  add(entry: Entry, state: LogState): void {
    const shares =
      this.#frameStart !== -1 &&
      this.#state === state &&
      this.#entries > 0 &&
      entry.index === this.#lastIndex + 1 &&
      this.#entries < maxFrameEntries &&
      this.#out.length - this.#frameStart < frameTargetBytes;
    if (!shares) {
      this.#closeFrame(false);
      this.#openFrame(state, entry.index);
    }
    writeEntry(this.#out, entry);
    this.#entries++;
    this.#lastIndex = entry.index;
  }

  /** The bytes of the group (valid until the next `begin`), and the place of the next one. */
  end(): { readonly bytes: Buffer; readonly place: FramePlace } {
    this.#closeFrame(true);
    return { bytes: this.#out.view(), place: this.#place };
  }

  #openFrame(state: LogState, firstIndex: LogIndex): void {
    const out = this.#out;
    const { base, hardState } = state;
    this.#state = state;
    this.#frameStart = out.length;
    this.#entries = 0;
    out.zeros(frameHeaderBytes);
    writePosition(out, base);
    writeHardState(out, hardState);
    out.uint48(firstIndex);
  }

  #closeFrame(lastPart: boolean): void {
    const start = this.#frameStart;
    if (start === -1) return;
    const out = this.#out;
    const end = out.length;
    const { group, part, chain, sequence, salt } = this.#place;
    out.patchUint32(start, end - start - frameHeaderBytes);
    out.patchUint32(start + checkedFrom, chain);
    out.patchUint32(start + 12, sequence);
    out.patchUint48(start + 16, group);
    out.patchUint16(start + 22, part | (lastPart ? lastPartBit : 0));
    out.patchUint48(start + 24, this.#lastIndex);
    out.patchUint16(start + 30, this.#entries);
    const checksum = crc32(out.view(start + checkedFrom), salt);
    out.patchUint32(start + checksumAt, checksum);
    out.zeros((frameAlignment - (end % frameAlignment)) % frameAlignment);
    const next = lastPart ? { group: group + 1, part: 0 } : { group, part: part + 1 };
    this.#place = { ...this.#place, ...next, chain: checksum };
    this.#frameStart = -1;
  }
}

/**
 * The frame of this segment at `at`, whatever group it belongs to; null when there is none that is
 * whole. Looks at no byte at or after `end`.
 */
export function readFrame(
  segment: Buffer,
  at: number,
  end: number,
  { sequence, salt }: Pick<FramePlace, "sequence" | "salt">,
): Frame | null {
  if (at + frameHeaderBytes > end || segment.readUInt32LE(at + 12) !== sequence) return null;
  const bodyEnd = at + frameHeaderBytes + segment.readUInt32LE(at);
  if (bodyEnd > end) return null;
  const checksum = segment.readUInt32LE(at + checksumAt);
  if (crc32(segment.subarray(at + checkedFrom, bodyEnd), salt) !== checksum) return null;
  // A copy: an entry that is kept must not keep the whole segment in memory.
  const body = Buffer.from(segment.subarray(at + frameHeaderBytes, bodyEnd));
  const reader = new ByteReader(body);
  const base = readPosition(reader);
  const hardState = readHardState(reader);
  const firstIndex = reader.uint48();
  const count = segment.readUInt16LE(at + 30);
  const entries: Entry[] = [];
  while (entries.length < count && !reader.failed) {
    entries.push(readEntry(reader, firstIndex + entries.length));
  }
  if (!reader.done) return null;
  const part = segment.readUInt16LE(at + 22);
  return {
    previous: segment.readUInt32LE(at + checkedFrom),
    checksum,
    group: segment.readUIntLE(at + 16, 6),
    part: part & ~lastPartBit,
    lastPart: (part & lastPartBit) !== 0,
    state: { hardState, base, lastIndex: segment.readUIntLE(at + 24, 6) },
    entries,
    end: bodyEnd + ((frameAlignment - (bodyEnd % frameAlignment)) % frameAlignment),
  };
}
