import { describe, expect, it } from "vitest";
import { seededRandom, silentLogger } from "../../../src/base/index.ts";
import {
  type AppliedEntry,
  type Command,
  decodeCommand,
  defaultKvOptions,
  encodeCommand,
  KvStateMachine,
  rangeRequest,
} from "../../../src/kvstore/index.ts";
import { MemoryStorage } from "../../../src/kvstore/io/index.ts";
import { NaiveStore, naiveRange, type Told, told } from "../../support/naive-store.ts";
import { RandomCommands } from "../../support/random-commands.ts";
import { ManualClock } from "../support/manual-clock.ts";

const parts = (storage: MemoryStorage) => ({
  storage,
  clock: new ManualClock(),
  logger: silentLogger,
});
/** No cache: every value is read back from the storage. */
const options = { ...defaultKvOptions, cacheBytes: 0, sweptPerBatch: 3 };

async function opened(storage: MemoryStorage): Promise<KvStateMachine> {
  const machine = new KvStateMachine(parts(storage), options);
  expect(await machine.start()).toEqual({ ok: true, value: undefined });
  return machine;
}

interface Drawn {
  readonly entry: AppliedEntry;
  readonly expected: Told | null;
}

function draw(commands: RandomCommands, naive: NaiveStore, index: number): Drawn {
  const term = 1 + Math.floor(index / 40);
  if (commands.below(20) === 0) return { entry: { kind: "no-op", index, term }, expected: null };
  const command: Command = commands.command(naive.revision, term);
  const expected = naive.apply(command, term);
  return { entry: { kind: "command", index, term, command: encodeCommand(command) }, expected };
}

describe("the store, by random histories", () => {
  it("answers as a naive store does, commands and reads at any revision", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const commands = new RandomCommands(seededRandom(seed));
      const naive = new NaiveStore();
      const storage = new MemoryStorage();
      let machine = await opened(storage);
      let index = 0;
      for (let round = 0; round < 25; round++) {
        const batch: Drawn[] = [];
        const size = 1 + commands.below(8);
        while (batch.length < size) batch.push(draw(commands, naive, ++index));
        const replies = await machine.apply(batch.map(({ entry }) => entry));
        const expected = batch.map((each) => each.expected).filter((each) => each !== null);
        expect(replies.map(told), `seed ${seed}, up to entry ${index}`).toEqual(expected);
        if (commands.below(6) === 0) machine = await opened(storage);
        expect(machine.applied()).toEqual({ index, term: 1 + Math.floor(index / 40) });
        await checkReads(machine, naive, commands, seed);
      }
      const all = rangeRequest({ key: "\0", rangeEnd: "\0" });
      for (let at = Math.max(1, naive.compactRevision); at <= naive.revision; at++) {
        const read = await machine.range({ ...all, revision: at });
        const expected = naiveRange(naive.at(at), all, naive.revision);
        expect(read, `seed ${seed}, revision ${at}`).toEqual({ ok: true, value: expected });
      }
    }
  });

  it("reads every command back from its bytes", () => {
    const commands = new RandomCommands(seededRandom(9));
    for (let i = 0; i < 500; i++) {
      const command = commands.command(10, 2);
      expect(decodeCommand(encodeCommand(command))).toEqual({ ok: true, value: command });
    }
  });
});

async function checkReads(
  machine: KvStateMachine,
  naive: NaiveStore,
  commands: RandomCommands,
  seed: number,
): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const request = commands.range(naive.revision);
    const { revision } = request;
    const read = await machine.range(request);
    if (revision > naive.revision)
      expect(read).toMatchObject({ fault: { code: "E_FUTURE_REVISION" } });
    else if (revision > 0 && revision < naive.compactRevision) {
      expect(read).toMatchObject({ fault: { code: "E_COMPACTED" } });
    } else {
      const keys = naive.at(revision > 0 ? revision : naive.revision);
      const value = naiveRange(keys, request, naive.revision);
      expect(read, `seed ${seed}: ${JSON.stringify(request)}`).toEqual({ ok: true, value });
    }
  }
}
