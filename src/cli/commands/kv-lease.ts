/** `meshmend kv lease`: leases that keys hang on, granted, kept, looked at and given back. */

import { setTimeout as wait } from "node:timers/promises";
import { failed, fault, ok, type Result } from "../../base/index.ts";
import type { KvClient } from "../../client/index.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { askStore, complainOfUsage, type StoreOptions, withStore } from "../store-client.ts";
import { jsonBytes, leaseName, readLease, shown } from "../store-words.ts";
import { cliFault, complainOf, type Terminal } from "../terminal.ts";

export function leaseGrant(
  terminal: Terminal,
  ttlSeconds: number,
  options: StoreOptions,
): Promise<ExitCode> {
  return askStore(
    terminal,
    options,
    (client) => client.leaseGrant({ TTL: ttlSeconds, ID: "0" }),
    ({ ID, TTL }) => {
      const id = leaseName(ID);
      if (options.json === true) terminal.write(`${JSON.stringify({ id, ttlSeconds: TTL })}\n`);
      else terminal.write(`lease ${id} granted for ${TTL} s\n`);
      return exitCode.ok;
    },
  );
}

const badLease = (terminal: Terminal): ExitCode =>
  complainOfUsage(terminal, "expected a lease, in hexadecimal as `kv lease grant` shows it");

const lostLease = (terminal: Terminal, id: string): ExitCode =>
  complainOf(terminal, cliFault(exitCode.notFound, "E_LEASE_NOT_FOUND", `there is no lease ${id}`));

export async function leaseRevoke(
  terminal: Terminal,
  name: string,
  options: StoreOptions,
): Promise<ExitCode> {
  const ID = readLease(name);
  if (ID === null) return badLease(terminal);
  return askStore(
    terminal,
    options,
    (client) => client.leaseRevoke({ ID }),
    ({ header }) => {
      const revision = header?.revision ?? 0;
      const words = `lease ${name} revoked, and its keys deleted (revision ${revision})`;
      terminal.write(options.json === true ? `${JSON.stringify({ revision })}\n` : `${words}\n`);
      return exitCode.ok;
    },
  );
}

export async function leaseShow(
  terminal: Terminal,
  name: string,
  options: StoreOptions,
): Promise<ExitCode> {
  const ID = readLease(name);
  if (ID === null) return badLease(terminal);
  return askStore(
    terminal,
    options,
    (client) => client.leaseTimeToLive({ ID, keys: true }),
    ({ TTL, grantedTTL, keys }) => {
      if (TTL < 0) return lostLease(terminal, name);
      if (options.json === true) {
        const shownKeys = keys.map((key) => jsonBytes("key", key));
        const lease = { id: name, remainingSeconds: TTL, ttlSeconds: grantedTTL, keys: shownKeys };
        terminal.write(`${JSON.stringify(lease)}\n`);
        return exitCode.ok;
      }
      terminal.write(`lease ${name}: ${TTL} s left of ${grantedTTL} s, ${keys.length} keys\n`);
      for (const key of keys) terminal.write(`  ${shown(key)}\n`);
      return exitCode.ok;
    },
  );
}

export function leaseList(terminal: Terminal, options: StoreOptions): Promise<ExitCode> {
  return askStore(
    terminal,
    options,
    (client) => client.leases(),
    ({ leases }) => {
      const ids = leases.map(({ ID }) => leaseName(ID));
      if (options.json === true) terminal.write(`${JSON.stringify({ leases: ids })}\n`);
      else for (const id of ids) terminal.write(`${id}\n`);
      return exitCode.ok;
    },
  );
}

export async function leaseKeepAlive(
  terminal: Terminal,
  name: string,
  options: StoreOptions & { readonly once?: boolean },
): Promise<ExitCode> {
  const ID = readLease(name);
  if (ID === null) return badLease(terminal);
  const interruption = terminal.interruption();
  return withStore(terminal, options, async (client) => {
    const renewed = (ttlSeconds: number) => {
      const words = `lease ${name} kept for ${ttlSeconds} s`;
      const json = JSON.stringify({ id: name, ttlSeconds });
      terminal.write(`${options.json === true ? json : words}\n`);
      return options.once !== true;
    };
    const ended = await keepAlive(client, ID, renewed, interruption);
    if (!ended.ok && ended.fault.code === "E_LEASE_NOT_FOUND") return ok(lostLease(terminal, name));
    if (!ended.ok) return ended;
    return ok(options.once === true ? exitCode.ok : exitCode.interrupted);
  });
}

/**
 * Renews a lease thrice in its time, until `renewed` says no more or `signal` aborts. Faults:
 * E_LEASE_NOT_FOUND when it ran out, and those of the connection.
 */
export async function keepAlive(
  client: KvClient,
  id: string,
  renewed: (ttlSeconds: number) => boolean,
  signal: AbortSignal,
): Promise<Result<void>> {
  const call = client.leaseKeepAlive(signal);
  call.send({ ID: id });
  for await (const reply of call.replies()) {
    if (signal.aborted) break;
    if (!reply.ok) return reply;
    const { TTL } = reply.value;
    if (TTL <= 0) return failed(fault("E_LEASE_NOT_FOUND", "the lease ran out"));
    if (!renewed(TTL)) break;
    await wait((TTL * 1_000) / 3, undefined, { signal }).catch(ignoreAbort);
    if (signal.aborted) break;
    call.send({ ID: id });
  }
  return ok(undefined);
}

/** Being interrupted is how waiting ends; nothing else can fail there. */
const ignoreAbort = (): void => {};
