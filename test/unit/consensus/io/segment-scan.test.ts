/** The bytes of a segment after anything that a crash or bit rot may do to them. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../../../src/consensus/io/byte-writer.ts";
import {
  type Frame,
  type FramePlace,
  GroupWriter,
} from "../../../../src/consensus/io/log-frame.ts";
import { scanSegment } from "../../../../src/consensus/io/segment-scan.ts";
import { beforeTheLog } from "../../../../src/consensus/log-entry.ts";
import { command, commands, hardState } from "../../../compliance/sample-log.ts";

const start: FramePlace = { sequence: 3, salt: 0xabcdef, chain: 0xabcdef, group: 5, part: 0 };
const state = { hardState: hardState(1, "n1"), base: beforeTheLog, lastIndex: 0 };
const sizeBytes = 32 * 1024;

interface Written {
  readonly bytes: Buffer;
  /** Where each group begins; the last is the end of all. */
  readonly bounds: readonly number[];
}

/** Groups of so many entries; every entry is a frame of its own, by a state of its own. */
function segmentOf(groups: readonly number[], place = start): Written {
  const bytes = Buffer.alloc(sizeBytes);
  const writer = new GroupWriter(new ByteWriter(64));
  const bounds = [0];
  let next = place;
  let at = 0;
  let index = 0;
  for (const count of groups) {
    writer.begin(next);
    for (let added = 0; added < count; added++) writer.add(command(++index), { ...state });
    const group = writer.end();
    group.bytes.copy(bytes, at);
    at += group.bytes.length;
    next = group.place;
    bounds.push(at);
  }
  return { bytes, bounds };
}

function scanned(bytes: Buffer, sealedAtBytes: number | null = null) {
  const frames: Frame[] = [];
  const damage: number[] = [];
  const end = scanSegment(
    bytes,
    { place: start, startBytes: 0, sealedAtBytes },
    { onFrame: (frame) => frames.push(frame), onDamage: (at) => damage.push(at) },
  );
  return {
    indexes: frames.flatMap(({ entries }) => entries.map(({ index }) => index)),
    damage,
    end,
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const groupSizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });

describe("a segment", () => {
  it("is read to its end", () => {
    const { bytes, bounds } = segmentOf([2, 1, 3]);
    const { indexes, damage, end } = scanned(bytes);
    expect(indexes).toEqual(upTo(6));
    expect(damage).toEqual([]);
    expect(end).toMatchObject({ endBytes: bounds[3], strays: false });
    expect(end.place).toMatchObject({ group: 8, part: 0 });
  });

  it("shares a frame between entries of one state, up to its limit", () => {
    const writer = new GroupWriter(new ByteWriter(64));
    writer.begin(start);
    for (const entry of commands(1, 100, 1, 2_000)) writer.add(entry, state);
    const bytes = Buffer.alloc(1 << 20);
    writer.end().bytes.copy(bytes);
    let frames = 0;
    scanSegment(
      bytes,
      { place: start, startBytes: 0, sealedAtBytes: null },
      { onFrame: () => frames++, onDamage: () => expect.unreachable() },
    );
    expect(frames).toBe(4);
  });

  it("cut at any byte of its last group keeps all before, and is no damage", () => {
    const { bytes, bounds } = segmentOf([2, 3, 3]);
    for (let length = bounds[2] ?? 0; length < (bounds[3] ?? 0); length++) {
      const cut = Buffer.from(bytes);
      cut.fill(0, length);
      const { indexes, damage } = scanned(cut);
      expect(damage).toEqual([]);
      expect(indexes.slice(0, 5)).toEqual(upTo(5));
      expect(indexes).toEqual(upTo(indexes.length));
    }
  });

  it("with any subset of its last group's sectors keeps all before, and is no damage", () => {
    fc.assert(
      fc.property(groupSizes, fc.infiniteStream(fc.boolean()), (sizes, survives) => {
        const { bytes, bounds } = segmentOf(sizes);
        const from = bounds.at(-2) ?? 0;
        for (let at = from; at < (bounds.at(-1) ?? 0); at += 64) {
          const survived: boolean = survives.next().value;
          if (!survived) bytes.fill(0, at, at + 64);
        }
        const sure = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
        const { indexes, damage } = scanned(bytes);
        expect(damage).toEqual([]);
        expect(indexes.slice(0, sure)).toEqual(upTo(sure));
        expect(indexes).toEqual(upTo(indexes.length));
      }),
    );
  });

  it("with a byte flipped before its last group says so, and finds what follows", () => {
    const { bytes, bounds } = segmentOf([2, 3, 1, 2]);
    for (let at = 0; at < (bounds[3] ?? 0); at++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 0x10, at);
      const { indexes, damage } = scanned(flipped);
      // Zeros behind a frame, up to the next multiple of 8, mean nothing.
      if (damage.length === 0) expect(indexes).toEqual(upTo(8));
      else expect(indexes.length).toBe(7);
      expect(indexes.slice(-2)).toEqual([7, 8]);
    }
  });

  it("that is sealed takes anything unreadable for damage, at its very end too", () => {
    const { bytes, bounds } = segmentOf([1, 1]);
    const sealedAt = bounds[2] ?? 0;
    expect(scanned(bytes, sealedAt).damage).toEqual([]);
    for (const at of [bounds[1] ?? 0, sealedAt - 8]) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
      expect(scanned(flipped, sealedAt).damage).toEqual([bounds[1]]);
    }
    expect(scanned(bytes.subarray(0, sealedAt - 20), sealedAt).damage).toEqual([bounds[1]]);
  });

  it("does not take frames of its file's former use for its own", () => {
    const former = segmentOf([3, 3, 3], { ...start, sequence: 2, salt: 7, chain: 7 });
    const { bytes, bounds } = segmentOf([1]);
    bytes.copy(former.bytes, 0, 0, bounds[1]);
    const { indexes, damage, end } = scanned(former.bytes);
    expect({ indexes, damage }).toEqual({ indexes: [1], damage: [] });
    expect(end.strays).toBe(false);
  });

  it("does not take what a client stored for a frame, even one that knows the format", () => {
    const inner = segmentOf([1], { ...start, salt: 99, chain: 99, group: 50 });
    const writer = new GroupWriter(new ByteWriter(64));
    writer.begin(start);
    const forged = inner.bytes.subarray(0, inner.bounds[1]);
    writer.add({ ...command(1), kind: "command", command: Buffer.from(forged) }, state);
    const bytes = Buffer.alloc(sizeBytes);
    writer.end().bytes.copy(bytes);
    bytes.writeUInt8(bytes.readUInt8(4) ^ 1, 4);
    expect(scanned(bytes)).toMatchObject({ indexes: [], damage: [] });
  });

  it("tells that whole frames of a torn group lie behind its end", () => {
    const { bytes } = segmentOf([3]);
    bytes.fill(0, 0, 16);
    expect(scanned(bytes)).toMatchObject({ indexes: [], damage: [], end: { strays: true } });
  });
});
