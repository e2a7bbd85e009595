/** `meshmend kv watch`: follows what happens to keys, from now on or from a past revision. */

import { type Fault, failed, fault, ok, type Result } from "../../base/index.ts";
import { watchRequest } from "../../client/index.ts";
import type { Event } from "../../wire/etcd/kv.ts";
import type { WatchResponse } from "../../wire/etcd/rpc.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { complainOfUsage, withStore } from "../store-client.ts";
import { jsonBytes, jsonKeyValue, shown } from "../store-words.ts";
import type { Terminal } from "../terminal.ts";
import { type RangeOptions, rangeOf } from "./kv.ts";

export interface WatchOptions extends RangeOptions {
  /** The first revision whose events are wanted. */
  readonly rev?: number;
  readonly previous?: boolean;
  /** Ends by itself after so many events. */
  readonly events?: number;
}

export async function kvWatch(
  terminal: Terminal,
  key: string | undefined,
  end: string | undefined,
  options: WatchOptions,
): Promise<ExitCode> {
  const range = rangeOf(key, end, options);
  if (typeof range === "string") return complainOfUsage(terminal, range);
  const interruption = terminal.interruption();
  return withStore(terminal, options, async (client) => {
    const call = client.watch(interruption);
    const request = watchRequest(range, {
      startRevision: options.rev ?? 0,
      prevKv: options.previous === true,
    });
    call.send({ requestUnion: { $case: "createRequest", value: request } });
    let left = options.events ?? Number.POSITIVE_INFINITY;
    for await (const reply of call.replies()) {
      if (interruption.aborted) break;
      if (!reply.ok) return reply;
      if (reply.value.created && !reply.value.canceled) sayWatching(terminal, reply.value);
      for (const event of reply.value.events.slice(0, left)) show(terminal, event, options);
      left -= reply.value.events.length;
      if (left <= 0) return ok(exitCode.ok);
      const end = endOf(reply.value);
      if (end !== null) return end;
    }
    return ok(exitCode.interrupted);
  });
}

/** On standard error: a program that reads the events is not to stumble over it. */
function sayWatching(terminal: Terminal, { header }: WatchResponse): void {
  terminal.complain(`meshmend: watching, revision ${header?.revision ?? 0}\n`);
}

function endOf(reply: WatchResponse): Result<never, Fault> | null {
  if (!reply.canceled) return null;
  if (reply.compactRevision > 0) {
    const oldest = reply.compactRevision;
    const message = `what happened before revision ${oldest} is compacted away`;
    return failed(fault("E_COMPACTED", message, `watch from --rev ${oldest} on`));
  }
  return failed(fault("E_CLIENT_REFUSED", `the watch ended: ${reply.cancelReason}`));
}

function show(terminal: Terminal, { type, kv, prevKv }: Event, options: WatchOptions): void {
  if (kv === undefined) return;
  if (options.json === true) {
    const before = prevKv === undefined ? {} : { previous: jsonKeyValue(prevKv) };
    const event =
      type === 0
        ? { kind: "put", ...jsonKeyValue(kv), ...before }
        : { kind: "del", ...jsonBytes("key", kv.key), modRevision: kv.modRevision, ...before };
    terminal.write(`${JSON.stringify(event)}\n`);
    return;
  }
  const was = prevKv === undefined ? "" : ` (was ${shown(prevKv.value)})`;
  const what =
    type === 0
      ? `${terminal.paint("green", "put")}  ${shown(kv.key)} = ${shown(kv.value)}`
      : `${terminal.paint("red", "del")}  ${shown(kv.key)}`;
  terminal.write(`${kv.modRevision}  ${what}${was}\n`);
}
