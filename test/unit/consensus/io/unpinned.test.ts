import { describe, expect, it } from "vitest";
import { unpinned } from "../../../../src/consensus/io/unpinned.ts";

const frame = Uint8Array.from({ length: 1_000 }, (_, place) => place % 256);

describe("bytes of a frame that are kept", () => {
  it("stay views when they are most of the frame", () => {
    const views = [frame.subarray(10, 400), frame.subarray(400, 900)];
    expect(unpinned(views)).toBe(views);
  });

  it("are copied, all together, when they would keep far more alive", () => {
    const views = [frame.subarray(10, 20), frame.subarray(300, 301), frame.subarray(5, 5)];
    const own = unpinned(views);
    expect(own).toEqual(views);
    expect(own.map(({ buffer }) => buffer.byteLength)).toEqual([11, 11, 11]);
  });

  it("may be none", () => {
    expect(unpinned([])).toEqual([]);
  });
});
