/**
 * The storage port on LevelDB. It syncs nothing by itself: the log of the consensus is replayed from
 * where the last surviving batch ends. It never repairs: a repair may drop records in silence, and a
 * store that differs from the others is worse than one that is built again.
 */

import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { type Fault, failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import type {
  KvStorage,
  StoragePair,
  StorageRange,
  StorageSnapshot,
  StorageWrite,
} from "../kv-storage.ts";

type Database = Level<Uint8Array, Uint8Array>;

/** What `level` is on Node (classic-level); its types leave out what a browser cannot do. */
interface ClassicDatabase {
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  batch(batch: readonly StorageWrite[], options: { readonly sync: boolean }): Promise<void>;
  compactRange(first: Uint8Array, end: Uint8Array): Promise<void>;
  approximateSize(first: Uint8Array, end: Uint8Array): Promise<number>;
}

export type StorageOpenFault = Fault<"E_DATA_DIR_IN_USE" | "E_STORAGE_OPEN" | "E_STORE_DAMAGED">;

export interface LevelStorageOptions {
  /** What LevelDB collects in memory before it writes a table; it holds up to twice that. */
  readonly writeBufferBytes: number;
  /** Of uncompressed blocks, for reads. */
  readonly cacheBytes: number;
}

const defaultLevelStorageOptions: LevelStorageOptions = {
  writeBufferBytes: 8 * 1024 * 1024,
  cacheBytes: 8 * 1024 * 1024,
};

const pagePairs = 1000;
const firstOfAll = new Uint8Array(0);
const endOfAll = new Uint8Array([0xff]);

/** Creates `folder` (mode 0700) when it is not there, and holds LevelDB's lock on it. */
export async function openLevelStorage(
  folder: string,
  options: LevelStorageOptions = defaultLevelStorageOptions,
): Promise<Result<LevelStorage, StorageOpenFault>> {
  const database: Database = new Level(folder, {
    keyEncoding: "view",
    valueEncoding: "view",
    writeBufferSize: options.writeBufferBytes,
    cacheSize: options.cacheBytes,
  });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await database.open();
    return ok(new LevelStorage({ database }));
  } catch (thrown) {
    return failed(openFault(folder, thrown));
  }
}

/** Removes a store that cannot be opened or is damaged; nobody may have it open. */
export async function discardLevelStorage(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

function openFault(folder: string, thrown: unknown): StorageOpenFault {
  const codes: string[] = [];
  let at = thrown;
  for (let depth = 0; at instanceof Error && depth < 8; depth++, at = at.cause) {
    if ("code" in at) codes.push(String(at.code));
  }
  const reason = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  const said = messageOf(reason);
  if (codes.includes("LEVEL_LOCKED")) {
    return fault(
      "E_DATA_DIR_IN_USE",
      `another meshmend uses this data directory: ${folder} is locked`,
      "stop the other one, or give this one its own dataDir",
    );
  }
  if (codes.includes("LEVEL_CORRUPTION") || /no such file|corrupt/i.test(said)) {
    return fault(
      "E_STORE_DAMAGED",
      `the stored map in ${folder} is damaged: ${said}`,
      "remove its folder: it is built again from the snapshot and the log",
    );
  }
  return fault(
    "E_STORAGE_OPEN",
    `cannot open the stored map in ${folder}: ${said}`,
    "make the folder writable for meshmend",
  );
}

export class LevelStorage implements KvStorage {
  readonly #database: Database;
  /** The last write failed: LevelDB's log may be torn, see `#reopen`. */
  #torn = false;

  /** `database` is open; `openLevelStorage` is the way to come by one. */
  constructor(parts: { readonly database: Database }) {
    this.#database = parts.database;
  }

  get #classic(): ClassicDatabase {
    return this.#database as unknown as ClassicDatabase;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return await this.#classic.getMany(keys);
  }

  async write(batch: readonly StorageWrite[], options = { sync: false }): Promise<void> {
    if (this.#torn) await this.#reopen();
    try {
      await this.#classic.batch(batch, options);
    } catch (thrown) {
      this.#torn = true;
      throw thrown;
    }
  }

  snapshot(): StorageSnapshot {
    const database = this.#database;
    const snapshot = database.snapshot();
    return {
      async *pages({ first, end }: StorageRange) {
        const iterator = database.iterator({ gte: first, lt: end, snapshot });
        try {
          for (;;) {
            const page = (await iterator.nextv(pagePairs)) as unknown as StoragePair[];
            if (page.length === 0) return;
            yield page;
          }
        } finally {
          await iterator.close();
        }
      },
      release: () => snapshot.close(),
    };
  }

  async clear({ first, end }: StorageRange): Promise<void> {
    await this.#database.clear({ gte: first, lt: end });
  }

  async compact(): Promise<void> {
    await this.#classic.compactRange(firstOfAll, endOfAll);
  }

  async diskBytes(): Promise<number> {
    return await this.#classic.approximateSize(firstOfAll, endOfAll);
  }

  async stop(): Promise<void> {
    await this.#database.close();
  }

  /**
   * A write that failed half-way leaves LevelDB's log torn, and LevelDB appends behind the tear:
   * what it takes then is gone at the next start. Opening it anew replays the log up to the tear
   * and begins another.
   */
  async #reopen(): Promise<void> {
    const folder = this.#database.location;
    // Its files may have been removed below it, or the file system unmounted: that is no place.
    await stat(join(folder, "CURRENT"));
    await this.#database.close();
    await this.#database.open();
    this.#torn = false;
  }
}
