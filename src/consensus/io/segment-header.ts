/**
 * What stands at the start of each segment file, twice, in two blocks of the disk: whose log it is,
 * which segment, behind which other, and the log's state when it was begun. It is synced before the
 * segment gets its name, so a named segment without a sound header is damage, never a torn write.
 */

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readHardState, readPosition, writeHardState, writePosition } from "./entry-codec.ts";
import type { FramePlace, LogState } from "./log-frame.ts";

const magic = "MMRAFLOG";
export const logFormatVersion = 1;
/** The size of one copy: a block of most disks, so that one bad block leaves the other. */
const copyBytes = 4096;
/** Where the first frame begins. */
export const segmentHeaderBytes = 2 * copyBytes;
const ownerBytes = 16;

export interface SegmentHeader {
  readonly formatVersion: number;
  readonly owner: Uint8Array;
  /** Where this segment's first frame stands; its chain is the salt. */
  readonly place: FramePlace;
  /** How long the file is meant to be. */
  readonly sizeBytes: number;
  /** The segment before and where its last frame ends; sequence 0: the log begins here. */
  readonly previous: { readonly sequence: number; readonly endBytes: number };
  readonly state: LogState;
}

/** Names cluster and node in a fixed size: a log copied or mounted elsewhere is refused. */
export function ownerDigest(clusterId: string, nodeId: string): Uint8Array {
  const names = JSON.stringify([clusterId, nodeId]);
  return createHash("sha256").update(names).digest().subarray(0, ownerBytes);
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const { place, previous, state } = header;
  const out = new ByteWriter(segmentHeaderBytes);
  out.uint32(0);
  out.uint32(0);
  out.raw(Buffer.from(magic, "latin1"));
  out.uint16(header.formatVersion);
  out.raw(header.owner);
  out.uint32(place.sequence);
  out.uint32(place.salt);
  out.uint48(place.group);
  out.uint16(place.part);
  out.uint32(header.sizeBytes);
  out.uint32(previous.sequence);
  out.uint32(previous.endBytes);
  writePosition(out, state.base);
  writeHardState(out, state.hardState);
  out.uint48(state.lastIndex);
  out.patchUint32(4, out.length);
  out.patchUint32(0, crc32(out.view(4)));
  const one = Buffer.alloc(copyBytes);
  out.view().copy(one);
  return Buffer.concat([one, one]);
}

/** The first sound copy; null when neither is. @param bytes the file's first `segmentHeaderBytes` */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | null {
  return decodeCopy(bytes.subarray(0, copyBytes)) ?? decodeCopy(bytes.subarray(copyBytes));
}

function decodeCopy(copy: Buffer): SegmentHeader | null {
  if (copy.length < copyBytes || copy.toString("latin1", 8, 16) !== magic) return null;
  const length = copy.readUInt32LE(4);
  if (length > copyBytes || crc32(copy.subarray(4, length)) !== copy.readUInt32LE(0)) return null;
  const reader = new ByteReader(copy.subarray(0, length), 16);
  const formatVersion = reader.uint16();
  const owner = Uint8Array.from(reader.raw(ownerBytes));
  const sequence = reader.uint32();
  const salt = reader.uint32();
  const place = { sequence, salt, chain: salt, group: reader.uint48(), part: reader.uint16() };
  const sizeBytes = reader.uint32();
  const previous = { sequence: reader.uint32(), endBytes: reader.uint32() };
  const base = readPosition(reader);
  const hardState = readHardState(reader);
  const state = { base, hardState, lastIndex: reader.uint48() };
  // Another version may go on differently; what is before this line stays as it is in all of them.
  if (formatVersion === logFormatVersion && !reader.done) return null;
  return { formatVersion, owner, place, sizeBytes, previous, state };
}
