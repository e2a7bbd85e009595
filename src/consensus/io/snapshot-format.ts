/**
 * A snapshot as bytes, on disk and on its way to another node alike: blocks of a fixed size, each
 * with its checksum and that of the block before, so that any block can be verified alone and the
 * whole in one pass. The first holds what the snapshot stands for, the last a digest of the rest.
 *
 *     offset  bytes  little-endian, in each block
 *          0      4  CRC-32 of offset 4 to the end of the payload
 *          4      4  the checksum of the block before, 0 in the first
 *          8      4  number of the block; the top bit marks the last
 *         12      4  length of the payload
 *         16         payload; in all but the last, zeros up to `snapshotBlockBytes`
 */

import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { assert } from "../../base/index.ts";
import type { SnapshotMeta } from "../message.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readMembership, readPosition, writeMembership, writePosition } from "./entry-codec.ts";

export const snapshotBlockBytes = 64 * 1024;
const blockHeaderBytes = 16;
const maxPayloadBytes = snapshotBlockBytes - blockHeaderBytes;
const lastBlockBit = 0x8000_0000;
const digestBytes = 32;
const magic = "MMRAFSNP";
const formatVersion = 1;

export interface Block {
  readonly number: number;
  readonly last: boolean;
  readonly previous: number;
  readonly checksum: number;
  readonly payload: Buffer;
}

/** Null when it is not whole. @param bytes one block, the last perhaps shorter */
export function readBlock(bytes: Buffer): Block | null {
  if (bytes.length < blockHeaderBytes) return null;
  const payloadEnd = blockHeaderBytes + bytes.readUInt32LE(12);
  const numbered = bytes.readUInt32LE(8);
  const last = numbered >= lastBlockBit;
  if (last ? payloadEnd !== bytes.length : bytes.length !== snapshotBlockBytes) return null;
  if (payloadEnd > bytes.length) return null;
  const checksum = bytes.readUInt32LE(0);
  if (crc32(bytes.subarray(4, payloadEnd)) !== checksum) return null;
  const payload = bytes.subarray(blockHeaderBytes, payloadEnd);
  const number = last ? numbered - lastBlockBit : numbered;
  return { number, last, previous: bytes.readUInt32LE(4), checksum, payload };
}

/** Turns what a state machine writes into blocks. */
export class BlockEncoder {
  readonly #hash: Hash = createHash("sha256");
  #block = Buffer.allocUnsafeSlow(snapshotBlockBytes);
  #filled = 0;
  #number = 0;
  #previous = 0;

  /** The block that says what the snapshot stands for. */
  start(meta: SnapshotMeta): Buffer {
    const out = new ByteWriter(1024);
    out.raw(Buffer.from(magic, "latin1"));
    out.uint16(formatVersion);
    writePosition(out, meta);
    writeMembership(out, meta.membership);
    assert(out.length <= maxPayloadBytes, "a membership that fits a block");
    this.#take(out.view());
    return this.#finish(false);
  }

  /** The blocks that `bytes` fill, each its own buffer. */
  *add(bytes: Uint8Array): Generator<Buffer> {
    for (let from = 0; from < bytes.length; ) {
      from += this.#take(bytes.subarray(from, from + maxPayloadBytes - this.#filled));
      if (this.#filled === maxPayloadBytes) yield this.#finish(false);
    }
  }

  *end(): Generator<Buffer> {
    if (this.#filled > 0) yield this.#finish(false);
    const digest = this.#hash.copy().digest();
    this.#take(digest);
    yield this.#finish(true);
  }

  #take(bytes: Uint8Array): number {
    this.#block.set(bytes, blockHeaderBytes + this.#filled);
    this.#filled += bytes.length;
    return bytes.length;
  }

  #finish(last: boolean): Buffer {
    const end = blockHeaderBytes + this.#filled;
    const block = this.#block;
    block.writeUInt32LE(this.#previous, 4);
    block.writeUInt32LE(last ? lastBlockBit + this.#number : this.#number, 8);
    block.writeUInt32LE(this.#filled, 12);
    const checksum = crc32(block.subarray(4, end));
    block.writeUInt32LE(checksum, 0);
    this.#hash.update(block.subarray(blockHeaderBytes, end));
    if (!last) block.fill(0, end);
    this.#block = Buffer.allocUnsafeSlow(snapshotBlockBytes);
    this.#filled = 0;
    this.#number++;
    this.#previous = checksum;
    return last ? block.subarray(0, end) : block;
  }
}

/** Follows a snapshot block by block, and knows at the end whether it is whole. */
export class BlockChecker {
  readonly #hash: Hash = createHash("sha256");
  #next = 0;
  #previous = 0;
  #meta: SnapshotMeta | null = null;
  #whole = false;
  #spoilt = false;

  /** What it stands for, once the first block was read. */
  get meta(): SnapshotMeta | null {
    return this.#meta;
  }

  /** The last block was read, and the digest is that of all before it. */
  get whole(): boolean {
    return this.#whole && !this.#spoilt;
  }

  /** Something does not fit: it is not whole, whatever came before. */
  spoil(): void {
    this.#spoilt = true;
  }

  /** The state machine's bytes in the next block; null when it is damaged or out of place. */
  next(bytes: Buffer): Buffer | null {
    const block = readBlock(bytes);
    if (block === null || block.number !== this.#next || block.previous !== this.#previous) {
      return null;
    }
    if (this.#whole || (block.last && block.payload.length !== digestBytes)) return null;
    this.#next++;
    this.#previous = block.checksum;
    if (block.last) {
      this.#whole = this.#meta !== null && block.payload.equals(this.#hash.copy().digest());
      return this.#whole ? Buffer.alloc(0) : null;
    }
    this.#hash.update(block.payload);
    if (block.number > 0) return block.payload;
    this.#meta = readMeta(block.payload);
    return this.#meta === null ? null : Buffer.alloc(0);
  }
}

function readMeta(payload: Buffer): SnapshotMeta | null {
  const reader = new ByteReader(payload);
  const name = Buffer.from(reader.raw(magic.length)).toString("latin1");
  if (name !== magic || reader.uint16() !== formatVersion) return null;
  const position = readPosition(reader);
  const membership = readMembership(reader);
  return reader.done ? { ...position, membership } : null;
}
