/**
 * Keys and ranges of them. A key is a string of bytes: one character (0 to 255) for each byte. Such
 * strings compare in the order of their bytes, take a byte a character in V8 and need no wrapper to
 * be the key of a map.
 */

export type Key = string;

/** From the length at which a call with spread arguments becomes risky. */
const pieceLength = 4096;

export function keyOf(bytes: Uint8Array): Key {
  if (bytes.length <= pieceLength) return String.fromCharCode(...bytes);
  let key = "";
  for (let at = 0; at < bytes.length; at += pieceLength) {
    key += String.fromCharCode(...bytes.subarray(at, at + pieceLength));
  }
  return key;
}

/** The key whose bytes are `text` in UTF-8. */
export const keyOfText = (text: string): Key => keyOf(new TextEncoder().encode(text));

export function bytesOf(key: Key): Uint8Array {
  const bytes = new Uint8Array(key.length);
  writeKey(key, bytes, 0);
  return bytes;
}

export function writeKey(key: Key, into: Uint8Array, at: number): void {
  for (let i = 0; i < key.length; i++) into[at + i] = key.charCodeAt(i);
}

/** From `first` up to, not including, `end`; null means there is no end. */
export interface KeyRange {
  readonly first: Key;
  readonly end: Key | null;
}

/**
 * What a request means by `key` and `rangeEnd` (etcd's api.proto, RangeRequest): no end is the one
 * key, an end of one zero byte is every key from `key` on.
 */
export function rangeOf(key: Key, rangeEnd: Key): KeyRange {
  if (rangeEnd === "") return { first: key, end: `${key}\0` };
  return { first: key, end: rangeEnd === "\0" ? null : rangeEnd };
}

export const inRange = ({ first, end }: KeyRange, key: Key): boolean =>
  key >= first && (end === null || key < end);

/** The range end that makes `prefix` mean all keys that start with it. */
export function prefixEnd(prefix: Key): Key {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const code = prefix.charCodeAt(at);
    if (code < 0xff) return prefix.slice(0, at) + String.fromCharCode(code + 1);
  }
  return "\0";
}
