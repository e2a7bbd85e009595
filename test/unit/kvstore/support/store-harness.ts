/** A store on a memory storage, fed commands one entry each. */

import { silentLogger } from "../../../../src/base/index.ts";
import {
  type AppliedEntry,
  type Command,
  defaultKvOptions,
  deleteRangeRequest,
  encodeCommand,
  type KvOptions,
  KvStateMachine,
  type KvStorage,
  keyOfText,
  putRequest,
  type Reply,
  rangeRequest,
} from "../../../../src/kvstore/index.ts";
import { MemoryStorage } from "../../../../src/kvstore/io/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

export const textBytes = (text: string) => new TextEncoder().encode(text);
export const bytesText = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

export class StoreHarness {
  readonly clock = new ManualClock();
  readonly machine: KvStateMachine;
  term = 1;

  constructor(storage: KvStorage, options: Partial<KvOptions>) {
    const parts = { storage, clock: this.clock, logger: silentLogger };
    this.machine = new KvStateMachine(parts, { ...defaultKvOptions, ...options });
  }

  static async open(
    storage: KvStorage = new MemoryStorage(),
    options: Partial<KvOptions> = {},
  ): Promise<StoreHarness> {
    const harness = new StoreHarness(storage, options);
    const started = await harness.machine.start();
    if (!started.ok) throw new Error(started.fault.message);
    return harness;
  }

  entry(command: Command | null, ahead = 1): AppliedEntry {
    const place = { index: this.machine.applied().index + ahead, term: this.term };
    if (command === null) return { ...place, kind: "no-op" };
    return { ...place, kind: "command", command: encodeCommand(command) };
  }

  async run(command: Command): Promise<Reply> {
    const [reply] = await this.machine.apply([this.entry(command)]);
    if (reply === undefined) throw new Error("a command has a reply");
    return reply;
  }

  async put(key: string, value: string, lease = 0n): Promise<Reply> {
    return this.run(putRequest({ key: keyOfText(key), value: textBytes(value), lease }));
  }

  async delete(key: string, rangeEnd = ""): Promise<Reply> {
    return this.run(deleteRangeRequest({ key, rangeEnd, prevKv: true }));
  }

  async compact(revision: number): Promise<Reply> {
    return this.run({ kind: "compact", revision });
  }

  async value(key: string, revision = 0): Promise<string | null> {
    const read = await this.machine.range(rangeRequest({ key: keyOfText(key), revision }));
    if (!read.ok) throw new Error(read.fault.code);
    const [found] = read.value.keyValues;
    return found === undefined ? null : bytesText(found.value);
  }
}
