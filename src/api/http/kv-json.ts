/** Keys and values between JSON and the store's bytes. */

import type { Key, KeyValue } from "../store-port.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const keyOf = (text: string): Key => Buffer.from(text, "utf8").toString("latin1");

/** All keys that begin so; without a prefix, all there are. */
export function prefixRange(text: string): { readonly key: Key; readonly rangeEnd: Key } {
  // UTF-8 has no byte of 0xff, so the last one can always be counted up.
  const key = keyOf(text);
  if (key === "") return { key: "\0", rangeEnd: "\0" };
  const last = String.fromCharCode(key.charCodeAt(key.length - 1) + 1);
  return { key, rangeEnd: key.slice(0, -1) + last };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

export function jsonKeyValue({ key, value, lease, ...revisions }: KeyValue) {
  const { createRevision, modRevision, version } = revisions;
  const keyBytes = Buffer.from(key, "latin1");
  const texts = { key: textOf(keyBytes), value: textOf(value) };
  return {
    ...texts,
    ...(texts.key === null && { keyBase64: keyBytes.toString("base64") }),
    ...(texts.value === null && { valueBase64: Buffer.from(value).toString("base64") }),
    createRevision,
    modRevision,
    version,
    lease: lease === 0n ? null : BigInt.asUintN(64, lease).toString(16),
  };
}
