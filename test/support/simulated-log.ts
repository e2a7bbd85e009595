/**
 * The simulation's disk behind the ports that production uses, so that one suite tells whether both
 * keep the same promises.
 */

import { ok, type Result } from "../../src/base/index.ts";
import type {
  LogPosition,
  LogWrite,
  RaftLog,
  RecoveredLog,
  SnapshotMeta,
} from "../../src/consensus/index.ts";
import { nothingRecovered } from "../../src/consensus/index.ts";
import { behindSnapshot } from "../../src/consensus/recovered-log.ts";
import { Chance } from "../simulation/chance.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";

export class SimulatedLog implements RaftLog {
  readonly disk: SimulatedDisk;
  #token = 0;
  readonly #waiting = new Map<number, () => void>();
  readonly #resets: (() => void)[] = [];
  #onFull: (full: boolean) => void = () => {};

  /** @param before whose disk to go on with */
  constructor(before: SimulatedDisk | null) {
    const recovered = before?.recovered(0) ?? nothingRecovered;
    this.disk = new SimulatedDisk(recovered, {
      chance: new Chance(1),
      plan: (_delayMs, run) => queueMicrotask(run),
      onPersisted: (token) => this.#confirm(token),
      onInstalled: () => this.#resets.shift()?.(),
    });
  }

  async recover(snapshot: SnapshotMeta | null): Promise<Result<RecoveredLog>> {
    const { disk } = this;
    const { hardState, base, entries } = disk;
    const log = behindSnapshot({ hardState, base, entries: [...entries] }, snapshot);
    disk.hardState = log.hardState;
    disk.base = log.base;
    disk.entries.splice(0, entries.length, ...log.entries);
    return ok(log);
  }

  write(write: LogWrite): Promise<void> {
    const token = ++this.#token;
    return new Promise((resolve) => {
      this.#waiting.set(token, resolve);
      this.disk.write({ kind: "persist", token, ...write });
    });
  }

  async compact(upTo: LogPosition): Promise<void> {
    this.disk.write({ kind: "compact", upTo });
    await this.write({ hardState: null, entries: [] });
  }

  reset(meta: SnapshotMeta): Promise<void> {
    return new Promise((resolve) => {
      this.#resets.push(resolve);
      this.disk.write({ kind: "install", stored: { meta, bytes: new Uint8Array() } });
    });
  }

  setFull(full: boolean): void {
    this.disk.setFull(full);
    this.#onFull(full);
  }

  onFull(listener: (full: boolean) => void): void {
    this.#onFull = listener;
  }

  async stop(): Promise<void> {
    if (!this.disk.full) await this.write({ hardState: null, entries: [] });
  }

  #confirm(upTo: number): void {
    for (const [token, resolve] of this.#waiting) {
      if (token > upTo) return;
      this.#waiting.delete(token);
      resolve();
    }
  }
}
