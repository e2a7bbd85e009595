/**
 * How the store lies in its storage. One root record names the generation in force; all else has the
 * generation in front of its key, so that a restored store is written beside the old one and put in
 * force by a single record.
 *
 *   0x00                                 root: format, generation
 *   0x01 generation 'l' lease id         lease: its time to live
 *   0x01 generation 'r' revision, sub    version: see version-record.ts
 *   0x01 generation 's'                  everything else: see stored-state.ts
 */

import { ByteReader, Unreadable } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { VersionId } from "./key-index.ts";
import type { StorageRange } from "./kv-storage.ts";
import type { LeaseId } from "./request.ts";

const formatVersion = 1;

export const rootKey = new Uint8Array([0]);

export function encodeRoot(generation: number): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(formatVersion);
  writer.uint32(generation);
  return writer.finish();
}

export function decodeRoot(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes);
  if (reader.byte() !== formatVersion) throw new Unreadable("it is of another format");
  const generation = reader.uint32();
  reader.end();
  return generation;
}

const leaseArea = 0x6c;
const versionArea = 0x72;
const stateArea = 0x73;
const prefixBytes = 5;
/** Bytes of a version's key. */
const versionKeyBytes = prefixBytes + 1 + 12;

/** The keys of one generation. */
export class StorageLayout {
  readonly generation: number;
  readonly #prefix: Uint8Array;

  constructor(generation: number) {
    this.generation = generation;
    this.#prefix = new Uint8Array([1, 0, 0, 0, 0]);
    new DataView(this.#prefix.buffer).setUint32(1, generation);
  }

  get stateKey(): Uint8Array {
    return this.withPrefix(new Uint8Array([stateArea]));
  }

  isStateKey(key: Uint8Array): boolean {
    return key.length === prefixBytes + 1 && key[prefixBytes] === stateArea;
  }

  leaseKey(id: LeaseId): Uint8Array {
    const key = this.#keyOf(leaseArea, prefixBytes + 9);
    new DataView(key.buffer).setBigInt64(prefixBytes + 1, id);
    return key;
  }

  versionKey({ modRevision, subRevision }: VersionId): Uint8Array {
    const key = this.#keyOf(versionArea, versionKeyBytes);
    const view = new DataView(key.buffer);
    view.setUint32(prefixBytes + 1, modRevision / 2 ** 32);
    view.setUint32(prefixBytes + 5, modRevision % 2 ** 32);
    view.setUint32(prefixBytes + 9, subRevision);
    return key;
  }

  get all(): StorageRange {
    return { first: this.#prefix, end: new StorageLayout(this.generation + 1).#prefix };
  }

  get leases(): StorageRange {
    const at = (area: number) => this.#keyOf(area, prefixBytes + 1);
    return { first: at(leaseArea), end: at(leaseArea + 1) };
  }

  versionsFrom(modRevision: number): StorageRange {
    const first = this.versionKey({ modRevision, subRevision: 0 });
    return { first, end: this.#keyOf(versionArea + 1, prefixBytes + 1) };
  }

  /** `key` as it is in this generation, and the reverse. */
  withPrefix(key: Uint8Array): Uint8Array {
    const whole = new Uint8Array(prefixBytes + key.length);
    whole.set(this.#prefix);
    whole.set(key, prefixBytes);
    return whole;
  }

  withoutPrefix(key: Uint8Array): Uint8Array {
    return key.subarray(prefixBytes);
  }

  #keyOf(area: number, bytes: number): Uint8Array {
    const key = new Uint8Array(bytes);
    key.set(this.#prefix);
    key[prefixBytes] = area;
    return key;
  }
}

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function versionIdOf(key: Uint8Array): VersionId {
  if (key.length !== versionKeyBytes) throw new Unreadable("a version's key has a wrong length");
  const view = viewOf(key);
  const high = view.getUint32(prefixBytes + 1);
  return {
    modRevision: high * 2 ** 32 + view.getUint32(prefixBytes + 5),
    subRevision: view.getUint32(prefixBytes + 9),
  };
}

export function leaseIdOf(key: Uint8Array): LeaseId {
  if (key.length !== prefixBytes + 9) throw new Unreadable("a lease's key has a wrong length");
  return viewOf(key).getBigInt64(prefixBytes + 1);
}
