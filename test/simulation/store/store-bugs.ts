/** Bugs that a store may have; see ../planted-bugs.ts. */

import { copyWith, type PlantedBug } from "../planted-bugs.ts";
import type { StoreCode } from "./simulated-store.ts";

export const storeBugs: readonly PlantedBug[] = [
  {
    name: "lease expires by the word of a leader of the past",
    file: "apply-command.ts",
    original: "command.term !== term",
    planted: "command.term > term",
  },
  {
    name: "new leader does not renew leases",
    file: "lease-clock.ts",
    original: "    this.#deadlinesMs.clear();\n",
    planted: "",
  },
  {
    name: "restart forgets which keys a lease holds",
    file: "load-store.ts",
    original: "state.add(stored.key, stored.version);",
    planted: "state.index.add(stored.key, stored.version);",
  },
  {
    name: "slow watcher is sent half a revision",
    file: "watch-history.ts",
    original: "if (full && id.modRevision > revision)",
    planted: "if (full)",
  },
  {
    name: "watcher goes on behind events it has not read",
    file: "watcher.ts",
    original: "isMore ? this.#nextRevision : null",
    planted: "isMore ? this.#hub.revision + 1 : null",
  },
  {
    name: "compaction removes what its revision shows",
    file: "key-index.ts",
    original: "if (needed && base.version > 0) keep--;",
    planted: "if (needed && base.version > 1) keep--;",
  },
  {
    name: "applied index is stored behind the data",
    file: "stored-state.ts",
    original: "writer.varint(state.position.index);",
    planted: "writer.varint(Math.max(0, state.position.index - 1));",
  },
  {
    name: "read of the past sees the present",
    file: "range.ts",
    original: "const version = versionAt(record, wanted);",
    planted: "const version = versionAt(record, revision);",
  },
  {
    name: "reader is shown less than is published",
    file: "kv-state-machine.ts",
    original: "revision: this.#hub.revision,\n      stored",
    planted: "revision: this.#state.revision - 1,\n      stored",
  },
];

/** Loads a copy of the production store with the bug in it. */
export async function storeWith(bug: PlantedBug): Promise<StoreCode> {
  const modules = ["kvstore/index.ts", "kvstore/io/memory-storage.ts"];
  const [core, storage] = await copyWith(bug, "kvstore", modules);
  return Object.assign({}, core, storage) as StoreCode;
}
