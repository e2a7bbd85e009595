/**
 * A stored version as bytes: a checksum, then what the index needs to be built again, then the
 * value. LevelDB checks its own blocks only when asked to, and nothing asks it to; this does.
 */

import { ByteReader, Unreadable } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./checksum.ts";
import type { Key } from "./key.ts";
import { heldValue, type Version, type VersionId } from "./key-index.ts";
import { noLease } from "./request.ts";

const checksumBytes = 4;

/** The version holds its value. */
export function encodeVersion(key: Key, version: Version): Uint8Array {
  const writer = new ByteWriter(key.length + version.valueBytes + 40);
  writer.uint32(0);
  writer.varint(version.version);
  writer.varint(version.createRevision);
  const leased = version.lease !== noLease;
  writer.byte(leased ? 1 : 0);
  if (leased) writer.int64(version.lease);
  writer.key(key);
  writer.raw(heldValue(version));
  const bytes = writer.finish();
  const checksum = crc32c(bytes.subarray(checksumBytes));
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, checksum);
  return bytes;
}

export interface StoredVersion {
  readonly key: Key;
  /** Holds its value, a view of the bytes read. */
  readonly version: Version;
}

/** Throws `Unreadable` for bytes that are not as they were written. */
export function decodeVersion(id: VersionId, bytes: Uint8Array): StoredVersion {
  const reader = new ByteReader(bytes);
  const checksum = reader.uint32();
  if (crc32c(bytes.subarray(checksumBytes)) !== checksum) {
    throw new Unreadable(`the version of revision ${id.modRevision} is damaged`);
  }
  const count = reader.varint();
  const createRevision = reader.varint();
  const lease = reader.byte() === 1 ? reader.int64() : noLease;
  const key = reader.key();
  const value = reader.rest();
  const version = {
    ...id,
    createRevision,
    version: count,
    lease,
    valueBytes: value.length,
    value,
  };
  return { key, version };
}
