/** Entries and hard states as bytes: what goes in comes out, and nothing else is taken for it. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../../src/base/index.ts";
import { asTerm, type Entry, type HardState } from "../../../../src/consensus/index.ts";
import { ByteReader } from "../../../../src/consensus/io/byte-reader.ts";
import { ByteWriter } from "../../../../src/consensus/io/byte-writer.ts";
import {
  encodedEntryBytes,
  readEntry,
  readHardState,
  writeEntry,
  writeHardState,
} from "../../../../src/consensus/io/entry-codec.ts";

const term = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map(asTerm);
const name = fc.string({ unit: "grapheme", maxLength: 40 });
const member = fc.record({ id: name.map((id) => id as NodeId), address: name });
const learner = fc.record({
  id: name.map((id) => id as NodeId),
  address: name,
  promote: fc.boolean(),
});
const membership = fc.record({
  voters: fc.array(member, { maxLength: 5 }),
  outgoing: fc.option(fc.array(member, { maxLength: 5 })),
  learners: fc.array(learner, { maxLength: 5 }),
});
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ index: fc.constant(7), term, kind: fc.constant("no-op" as const) }),
  fc.record({
    index: fc.constant(7),
    term,
    kind: fc.constant("command" as const),
    command: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.record({ index: fc.constant(7), term, kind: fc.constant("membership" as const), membership }),
);
const hardState: fc.Arbitrary<HardState> = fc.record({
  term,
  votedFor: fc.option(name.map((id) => id as NodeId)),
  repair: fc.option(fc.record({ term, lastIndex: fc.option(fc.nat()) })),
});

function written(write: (out: ByteWriter) => void): Buffer {
  // So small that every value makes it grow.
  const out = new ByteWriter(1);
  write(out);
  return Buffer.from(out.view());
}

describe("entries as bytes", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(entry, (before) => {
        const bytes = written((out) => writeEntry(out, before));
        const reader = new ByteReader(bytes);
        expect(readEntry(reader, 7)).toEqual(before);
        expect(reader.done).toBe(true);
        if (before.kind !== "membership") expect(bytes.length).toBe(encodedEntryBytes(before));
      }),
    );
  });

  it("are never read when a byte is missing", () => {
    fc.assert(
      fc.property(entry, (before) => {
        const bytes = written((out) => writeEntry(out, before));
        for (let length = 0; length < bytes.length; length++) {
          const reader = new ByteReader(bytes.subarray(0, length));
          readEntry(reader, 7);
          expect(reader.done).toBe(false);
        }
      }),
    );
  });

  it("are read from any bytes without a throw or a read past the end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const reader = new ByteReader(bytes);
        readEntry(reader, 1);
        expect(reader.position).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("claim no more than what is there, however large their length says", () => {
    const bytes = written((out) => writeEntry(out, { index: 1, term: asTerm(1), kind: "no-op" }));
    bytes.writeUInt32LE(0xffff_ffff, 0);
    bytes.writeUInt8(1, 10);
    const reader = new ByteReader(bytes);
    readEntry(reader, 1);
    expect(reader.failed).toBe(true);
  });
});

describe("hard states as bytes", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(hardState, (before) => {
        const reader = new ByteReader(written((out) => writeHardState(out, before)));
        expect(readHardState(reader)).toEqual(before);
        expect(reader.done).toBe(true);
      }),
    );
  });

  it("with a name that is not UTF-8 fail", () => {
    const bytes = written((out) =>
      writeHardState(out, { term: asTerm(1), votedFor: "ab" as NodeId, repair: null }),
    );
    bytes[bytes.length - 1] = 0xff;
    const reader = new ByteReader(bytes);
    readHardState(reader);
    expect(reader.failed).toBe(true);
  });
});
