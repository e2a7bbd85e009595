/**
 * `meshmend kv lock`: holds a lock for as long as a command runs, or until Ctrl-C. A lock is a key
 * under its name that hangs on a lease; who created the oldest such key holds it. So does etcd's
 * client (client/v3/concurrency), and both exclude each other. The revision that created the key
 * grows from holder to holder: with each write it tells a storage which holder is the later one.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Fault, failed, fault, ok, type Result } from "../../base/index.ts";
import {
  deleteRequest,
  type KvClient,
  oneKey,
  putRequest,
  rangeRequest,
  watchRequest,
  withPrefix,
} from "../../client/index.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { complainOfUsage, type StoreOptions, withStore } from "../store-client.ts";
import { bytesOf, leaseName } from "../store-words.ts";
import type { Terminal } from "../terminal.ts";
import { keepAlive } from "./kv-lease.ts";

export interface LockOptions extends StoreOptions {
  readonly ttl: number;
}

interface Held {
  readonly key: string;
  readonly revision: number;
}

export async function kvLock(
  terminal: Terminal,
  name: string,
  command: readonly string[],
  options: LockOptions,
): Promise<ExitCode | number> {
  if (name === "") return complainOfUsage(terminal, "name the lock");
  const interruption = terminal.interruption();
  let ended: number = exitCode.interrupted;
  const told = await withStore(terminal, options, async (client) => {
    const granted = await client.leaseGrant({ TTL: options.ttl, ID: "0" });
    if (!granted.ok) return granted;
    const { ID } = granted.value;
    const [lost, done] = [new AbortController(), new AbortController()];
    const until = AbortSignal.any([interruption, done.signal]);
    const keeping = keepAlive(client, ID, () => true, until).then((end) => {
      if (!until.aborted) lost.abort();
      return end;
    });
    try {
      const signal = AbortSignal.any([interruption, lost.signal]);
      const held = await acquire(client, `${name}/${leaseName(ID)}`, name, ID, signal);
      if (!held.ok) return lost.signal.aborted ? lostLock(await keeping) : held;
      if (held.value === null) return ok(exitCode.interrupted);
      ended = await hold(terminal, held.value, command, options, signal);
      return lost.signal.aborted ? lostLock(await keeping) : ok(exitCode.ok);
    } finally {
      done.abort();
      // Whoever waits next need not wait for the lease to run out.
      await client.leaseRevoke({ ID });
    }
  });
  return told === exitCode.ok ? ended : told;
}

function lostLock(end: Result<void, Fault>): Result<never, Fault> {
  const why = end.ok ? "the connection was closed" : end.fault.message;
  return failed(fault("E_LOCK_LOST", `the lock was lost: ${why}`));
}

/** Null when `signal` aborts first. */
async function acquire(
  client: KvClient,
  key: string,
  name: string,
  lease: string,
  signal: AbortSignal,
): Promise<Result<Held | null, Fault>> {
  const put = putRequest(bytesOf(key), new Uint8Array(0), lease);
  const entered = await client.put(put);
  if (!entered.ok) return entered;
  const revision = entered.value.header?.revision ?? 0;
  while (!signal.aborted) {
    // The youngest of those before us: when it goes, at most one more is to be looked for.
    const before = await client.range(
      rangeRequest(withPrefix(bytesOf(`${name}/`)), {
        maxCreateRevision: revision - 1,
        sortOrder: 2,
        sortTarget: 2,
        limit: 1,
        keysOnly: true,
      }),
    );
    if (!before.ok) return before;
    const [other] = before.value.kvs;
    if (other === undefined) {
      const own = await client.range(rangeRequest(oneKey(bytesOf(key)), { keysOnly: true }));
      if (!own.ok) return own;
      // Its lease may have run out while it waited.
      if (own.value.kvs[0]?.createRevision === revision) return ok({ key, revision });
      return failed(fault("E_LOCK_LOST", "the lease ran out before the lock was free"));
    }
    const from = (before.value.header?.revision ?? 0) + 1;
    const gone = await untilDeleted(client, other.key, from, signal);
    if (!gone.ok) return gone;
  }
  await client.deleteRange(deleteRequest(oneKey(bytesOf(key))));
  return ok(null);
}

async function untilDeleted(
  client: KvClient,
  key: Uint8Array,
  startRevision: number,
  signal: AbortSignal,
): Promise<Result<void, Fault>> {
  const call = client.watch(signal);
  const value = watchRequest(oneKey(key), { startRevision, filters: [0] });
  call.send({ requestUnion: { $case: "createRequest", value } });
  for await (const reply of call.replies()) {
    if (signal.aborted) break;
    if (!reply.ok) return reply;
    // Cancelled, for compaction say: the caller looks anew whether the key is there.
    if (reply.value.events.length > 0 || reply.value.canceled) break;
  }
  return ok(undefined);
}

/** The exit code of the command; without one, that of an interrupted command. */
async function hold(
  terminal: Terminal,
  { key, revision }: Held,
  [program, ...words]: readonly string[],
  options: StoreOptions,
  signal: AbortSignal,
): Promise<number> {
  if (program === undefined) {
    const json = JSON.stringify({ key, revision });
    terminal.write(options.json === true ? `${json}\n` : `holding ${key}, revision ${revision}\n`);
    if (!signal.aborted) await once(signal, "abort");
    return exitCode.interrupted;
  }
  const env = {
    ...terminal.environment,
    MESHMEND_LOCK_KEY: key,
    MESHMEND_LOCK_REVISION: String(revision),
  };
  const child = spawn(program, words, { stdio: "inherit", env, cwd: terminal.workingDirectory });
  // Without the lock it must not go on; what Ctrl-C ends, it ends too.
  const end = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", end);
  try {
    return await new Promise((resolve) => {
      child.once("error", (thrown) => {
        terminal.complain(`meshmend: cannot run ${program}: ${thrown.message}\n`);
        resolve(exitCode.failure);
      });
      child.once("close", (code) => resolve(code ?? exitCode.failure));
    });
  } finally {
    signal.removeEventListener("abort", end);
  }
}
