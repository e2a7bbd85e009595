/** Builds the state in memory from a generation of the storage, and finds out whether it is whole. */

import { type Fault, failed, fault, ok, type Result } from "../base/index.ts";
import { ByteReader, Unreadable } from "./byte-reader.ts";
import type { StorageSnapshot } from "./kv-storage.ts";
import { leaseIdOf, type StorageLayout, versionIdOf } from "./storage-layout.ts";
import { StoreState } from "./store-state.ts";
import { decodeState, type Inventory } from "./stored-state.ts";
import { decodeVersion } from "./version-record.ts";

export type DamageFault = Fault<"E_STORE_DAMAGED">;

export interface LoadedStore {
  readonly state: StoreState;
  readonly inventory: Inventory;
}

/** A generation without a state record is an empty store. Rejects when the storage does. */
export async function loadStore(
  snapshot: StorageSnapshot,
  layout: StorageLayout,
): Promise<Result<LoadedStore, DamageFault>> {
  try {
    return ok(await load(snapshot, layout));
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown;
    return failed(
      fault(
        "E_STORE_DAMAGED",
        `the stored map is damaged: ${thrown.message}`,
        "remove its folder: it is built again from the snapshot and the log",
      ),
    );
  }
}

async function load(snapshot: StorageSnapshot, layout: StorageLayout): Promise<LoadedStore> {
  const state = new StoreState();
  const { first } = { first: layout.stateKey };
  const stateRange = { first, end: new Uint8Array([...first, 0]) };
  for await (const page of snapshot.pages(layout.leases)) {
    for (const [key, value] of page) {
      const id = leaseIdOf(key);
      state.leases.set(id, { id, ttlSeconds: new ByteReader(value).varint(), keys: new Set() });
    }
  }
  for await (const page of snapshot.pages(layout.versionsFrom(0))) {
    for (const [key, value] of page) {
      const stored = decodeVersion(versionIdOf(key), value);
      stored.version.value = undefined;
      state.add(stored.key, stored.version);
    }
  }
  const { versions, idSum } = state.index;
  let found = false;
  for await (const page of snapshot.pages(stateRange)) {
    for (const [, value] of page) {
      found = true;
      const stored = decodeState(value);
      const { inventory } = stored;
      if (stored.leaseCount !== state.leases.size) throw new Unreadable("leases are missing");
      if (inventory.versions !== versions || inventory.idSum !== idSum) {
        throw new Unreadable(`${versions} versions are there, not those ${inventory.versions}`);
      }
      state.position = stored.position;
      state.revision = stored.revision;
      state.quotaBytes = stored.quotaBytes;
      for (const alarm of stored.alarms) state.setAlarm(alarm, true);
      if (stored.compactRevision > 0) state.compact(stored.compactRevision);
    }
  }
  if (!found && versions + state.leases.size > 0) throw new Unreadable("the state is missing");
  return { state, inventory: { versions, idSum } };
}
