/** Keys, values, leases and revisions as they are typed and as they are shown. */

import type { KeyValue } from "../wire/etcd/kv.ts";
import type { ResponseOp, TxnResponse } from "../wire/etcd/rpc.ts";
import { columns } from "./columns.ts";
import { printable, type Terminal } from "./terminal.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Null for bytes that are no UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** For people: text, or how much there is of what is none. */
export function shown(bytes: Uint8Array): string {
  const text = textOf(bytes);
  return text === null ? `(${bytes.length} bytes, no text)` : printable(text);
}

/** `name` when it is text, else null and `nameBase64`. */
export function jsonBytes(name: string, bytes: Uint8Array): Record<string, string | null> {
  const text = textOf(bytes);
  if (text !== null) return { [name]: text };
  return { [name]: null, [`${name}Base64`]: Buffer.from(bytes).toString("base64") };
}

/** Ids of leases are 64 bits: hexadecimal where people see them, as etcdctl has it. */
export const leaseName = (decimal: string): string =>
  BigInt.asUintN(64, BigInt(decimal)).toString(16);

/** Decimal, as the wire has it; null for what is no hexadecimal number of 64 bits. */
export function readLease(text: string): string | null {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text)) return null;
  const id = BigInt.asIntN(64, BigInt(`0x${text}`));
  return id === 0n ? null : id.toString();
}

export const jsonKeyValue = (kv: KeyValue) => ({
  ...jsonBytes("key", kv.key),
  ...jsonBytes("value", kv.value),
  createRevision: kv.createRevision,
  modRevision: kv.modRevision,
  version: kv.version,
  lease: kv.lease === "0" ? null : leaseName(kv.lease),
});

/** A row a key. */
export function keyTable(terminal: Terminal, kvs: readonly KeyValue[]): string {
  const rows = kvs.map((kv) => [
    shown(kv.key),
    shown(kv.value),
    String(kv.modRevision),
    String(kv.version),
    kv.lease === "0" ? "" : leaseName(kv.lease),
  ]);
  return columns(terminal, ["KEY", "VALUE", "REVISION", "VERSION", "LEASE"], rows);
}

export const jsonTransaction = (response: TxnResponse): object => ({
  revision: response.header?.revision ?? 0,
  succeeded: response.succeeded,
  answers: response.responses.map(jsonAnswer),
});

function jsonAnswer({ response }: ResponseOp): object {
  switch (response?.$case) {
    case "responseRange": {
      const { kvs, count, more } = response.value;
      return { kind: "get", count, more, keyValues: kvs.map(jsonKeyValue) };
    }
    case "responsePut":
      return { kind: "put" };
    case "responseDeleteRange":
      return { kind: "del", deleted: response.value.deleted };
    case "responseTxn":
      return { kind: "txn", ...jsonTransaction(response.value) };
    default:
      return { kind: "unknown" };
  }
}

/** An answer a line, what was read as a table. */
export function transactionWords(terminal: Terminal, response: TxnResponse): string {
  const branch = response.succeeded ? "the conditions hold" : "the conditions do not hold";
  const lines = response.responses.map(({ response: each }) => {
    switch (each?.$case) {
      case "responseRange": {
        const { kvs } = each.value;
        return kvs.length === 0 ? "get: nothing\n" : keyTable(terminal, kvs);
      }
      case "responsePut":
        return "put: done\n";
      case "responseDeleteRange":
        return `del: ${each.value.deleted} deleted\n`;
      default:
        return "done\n";
    }
  });
  return `${branch} (revision ${response.header?.revision ?? 0})\n${lines.join("")}`;
}
