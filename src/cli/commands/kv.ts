/** `meshmend kv get`, `put` and `del`: keys of the agreed map, read and changed. */

import {
  deleteRequest,
  fromKey,
  type KeyRange,
  oneKey,
  putRequest,
  rangeRequest,
  withPrefix,
} from "../../client/index.ts";
import type { RangeResponse } from "../../wire/etcd/rpc.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { askStore, complainOfUsage, type StoreOptions } from "../store-client.ts";
import { bytesOf, jsonKeyValue, keyTable, readLease, shown } from "../store-words.ts";
import { cliFault, complainOf, type Terminal } from "../terminal.ts";

export interface RangeOptions extends StoreOptions {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
}

export interface GetOptions extends RangeOptions {
  readonly rev?: number;
  readonly limit?: number;
  readonly sortBy?: keyof typeof sortTargets;
  readonly descending?: boolean;
  readonly keysOnly?: boolean;
  readonly count?: boolean;
  readonly raw?: boolean;
  readonly stale?: boolean;
}

const sortTargets = { key: 0, version: 1, created: 2, changed: 3, value: 4 } as const;

/** As the options have it: one key, up to an end, all with a prefix, or all from a key on. */
export function rangeOf(
  key: string | undefined,
  end: string | undefined,
  options: RangeOptions,
): KeyRange | string {
  const first = bytesOf(key ?? "");
  const ways = [end !== undefined, options.prefix === true, options.fromKey === true];
  if (ways.filter(Boolean).length > 1) return "an end, --prefix and --from-key exclude each other";
  if (options.prefix === true) return withPrefix(first);
  if (options.fromKey === true) return fromKey(first);
  if (first.length === 0) return "name a key, or ask for all with --prefix";
  return end === undefined ? oneKey(first) : { key: first, rangeEnd: bytesOf(end) };
}

export async function kvGet(
  terminal: Terminal,
  key: string | undefined,
  end: string | undefined,
  options: GetOptions,
): Promise<ExitCode> {
  const range = rangeOf(key, end, options);
  if (typeof range === "string") return complainOfUsage(terminal, range);
  const request = rangeRequest(range, {
    limit: options.limit ?? 0,
    revision: options.rev ?? 0,
    sortOrder: options.descending === true ? 2 : options.sortBy === undefined ? 0 : 1,
    sortTarget: sortTargets[options.sortBy ?? "key"],
    keysOnly: options.keysOnly === true,
    countOnly: options.count === true,
    serializable: options.stale === true,
  });
  const single = range.rangeEnd.length === 0;
  return askStore(
    terminal,
    options,
    (client) => client.range(request),
    (found) => tellFound(terminal, key ?? "", found, single, options),
  );
}

function tellFound(
  terminal: Terminal,
  key: string,
  found: RangeResponse,
  single: boolean,
  options: GetOptions,
): ExitCode {
  const { kvs, count, more, header } = found;
  const isMissing = single && count === 0;
  if (options.json === true) {
    const revision = header?.revision ?? 0;
    const keyValues = kvs.map(jsonKeyValue);
    terminal.write(`${JSON.stringify({ revision, count, more, keyValues })}\n`);
    return isMissing ? exitCode.notFound : exitCode.ok;
  }
  if (options.count === true) {
    terminal.write(`${count}\n`);
    return exitCode.ok;
  }
  const [first] = kvs;
  if (isMissing) {
    const when = options.rev === undefined ? "" : ` at revision ${options.rev}`;
    const why = `there is no key ${JSON.stringify(key)}${when}`;
    return complainOf(terminal, cliFault(exitCode.notFound, "E_NO_SUCH_KEY", why));
  }
  if (options.keysOnly === true) {
    for (const each of kvs) terminal.write(`${shown(each.key)}\n`);
  } else if (options.raw === true) {
    for (const each of kvs) terminal.write(each.value);
  } else if (single && first !== undefined) {
    // A terminal is not to be rewritten by what somebody stored; a program gets every byte.
    if (terminal.isInteractive) terminal.write(`${shown(first.value)}\n`);
    else terminal.write(Buffer.concat([first.value, bytesOf("\n")]));
  } else if (kvs.length > 0) {
    terminal.write(keyTable(terminal, kvs));
  }
  if (more) terminal.complain(`meshmend: ${count - kvs.length} more; raise --limit\n`);
  return exitCode.ok;
}

export interface PutOptions extends StoreOptions {
  readonly lease?: string;
}

/** What a value may weigh; the store refuses more in its own words. */
const maxInputBytes = 8 * 1024 * 1024;

export async function kvPut(
  terminal: Terminal,
  key: string,
  value: string | undefined,
  options: PutOptions,
): Promise<ExitCode> {
  const lease = options.lease === undefined ? "0" : readLease(options.lease);
  if (lease === null) return complainOfUsage(terminal, "--lease: expected a hexadecimal number");
  const bytes = value === undefined ? await readInput(terminal) : bytesOf(value);
  if (bytes === null) return complainOfUsage(terminal, "the value on standard input is too long");
  return askStore(
    terminal,
    options,
    (client) => client.put(putRequest(bytesOf(key), bytes, lease)),
    ({ header }) => {
      const revision = header?.revision ?? 0;
      terminal.write(
        options.json === true ? `${JSON.stringify({ revision })}\n` : `revision ${revision}\n`,
      );
      return exitCode.ok;
    },
  );
}

/** All of it, as it is; null when it is more than any store takes. */
export async function readInput(terminal: Terminal): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of terminal.input) {
    bytes += chunk.length;
    if (bytes > maxInputBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function kvDelete(
  terminal: Terminal,
  key: string | undefined,
  end: string | undefined,
  options: RangeOptions,
): Promise<ExitCode> {
  const range = rangeOf(key, end, options);
  if (typeof range === "string") return complainOfUsage(terminal, range);
  return askStore(
    terminal,
    options,
    (client) => client.deleteRange(deleteRequest(range)),
    ({ deleted, header }) => {
      const revision = header?.revision ?? 0;
      if (options.json === true) terminal.write(`${JSON.stringify({ revision, deleted })}\n`);
      else terminal.write(`${deleted} deleted, revision ${revision}\n`);
      const isMissing = deleted === 0 && range.rangeEnd.length === 0;
      return isMissing ? exitCode.notFound : exitCode.ok;
    },
  );
}
