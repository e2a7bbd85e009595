/** A snapshot's blocks: what was written is found, and no damage goes unnoticed. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BlockChecker,
  BlockEncoder,
  readBlock,
  snapshotBlockBytes,
} from "../../../../src/consensus/io/snapshot-format.ts";
import { snapshotAt } from "../../../compliance/sample-log.ts";

function encoded(content: Buffer): Buffer {
  const encoder = new BlockEncoder();
  const blocks = [encoder.start(snapshotAt(9)), ...encoder.add(content), ...encoder.end()];
  return Buffer.concat(blocks);
}

/** The content; null when it is not whole. */
function decoded(bytes: Buffer): Buffer | null {
  const checker = new BlockChecker();
  const payloads: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += snapshotBlockBytes) {
    const payload = checker.next(bytes.subarray(at, at + snapshotBlockBytes));
    if (payload === null) return null;
    payloads.push(Buffer.from(payload));
  }
  return checker.whole ? Buffer.concat(payloads) : null;
}

const content = Buffer.from(Array.from({ length: 140_000 }, (_, at) => (at * 7) & 0xff));
const whole = encoded(content);

describe("a snapshot in blocks", () => {
  it("comes back as it was, however it was cut", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 5 }), (cuts) => {
        const encoder = new BlockEncoder();
        const blocks = [encoder.start(snapshotAt(9))];
        let at = 0;
        for (const cut of [...cuts, content.length]) {
          blocks.push(...encoder.add(content.subarray(at, at + cut)));
          at = Math.min(content.length, at + cut);
        }
        blocks.push(...encoder.end());
        expect(decoded(Buffer.concat(blocks))?.equals(content)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("with a flipped bit is either refused or has the same content", () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(7), (at, bit) => {
        const flipped = Buffer.from(whole);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
        const found = decoded(flipped);
        // The zeros that fill up a block mean nothing.
        expect(found === null || found.equals(content)).toBe(true);
        const block = Math.floor(at / snapshotBlockBytes) * snapshotBlockBytes;
        const alone = readBlock(flipped.subarray(block, block + snapshotBlockBytes));
        expect(alone === null).toBe(found === null);
      }),
      { numRuns: 300 },
    );
  });

  it("is refused cut short, prolonged, or with blocks missing, repeated or exchanged", () => {
    const block = (number: number) =>
      whole.subarray(number * snapshotBlockBytes, (number + 1) * snapshotBlockBytes);
    const rest = (number: number) => whole.subarray(number * snapshotBlockBytes);
    for (const bytes of [
      whole.subarray(0, -1),
      whole.subarray(0, 2 * snapshotBlockBytes),
      Buffer.concat([whole, Buffer.alloc(1)]),
      Buffer.concat([whole, whole]),
      Buffer.concat([block(0), rest(2)]),
      Buffer.concat([block(0), block(1), rest(1)]),
      Buffer.concat([block(0), block(2), block(1), rest(3)]),
      rest(1),
      Buffer.alloc(0),
    ]) {
      expect(decoded(bytes)).toBe(null);
    }
  });

  it("of which a block was swapped with another snapshot's is refused", () => {
    const other = encoded(Buffer.from(content).fill(1, 70_000, 70_010));
    const mixed = Buffer.from(whole);
    other.copy(mixed, 2 * snapshotBlockBytes, 2 * snapshotBlockBytes, 3 * snapshotBlockBytes);
    expect(mixed.equals(whole)).toBe(false);
    expect(decoded(mixed)).toBe(null);
  });
});
