/** What a log with holes still is, and when a hole does not matter. */

import { describe, expect, it } from "vitest";
import { asTerm, type Entry, type LogPosition } from "../../../../src/consensus/index.ts";
import type { Frame } from "../../../../src/consensus/io/log-frame.ts";
import { LogImage } from "../../../../src/consensus/io/log-image.ts";
import { beforeTheLog } from "../../../../src/consensus/log-entry.ts";
import { commands, hardState } from "../../../compliance/sample-log.ts";

const at = (index: number, term = 1): LogPosition => ({ index, term: asTerm(term) });

/** Entries, under a base; the last index is that of the last entry unless said otherwise. */
function frame(
  entries: Entry[],
  base = beforeTheLog,
  lastIndex = entries.at(-1)?.index ?? 0,
): Frame {
  const state = { hardState: hardState(4), base, lastIndex };
  const place = { previous: 0, checksum: 0, group: 0, part: 0, lastPart: true, end: 0 };
  return { ...place, state, entries };
}

/** Frames in order; null is a hole. */
function imageOf(...frames: (Frame | null)[]): LogImage {
  const image = new LogImage();
  for (const each of frames) {
    if (each === null) image.breakHere();
    else image.apply(each);
  }
  return image;
}

function assembled(image: LogImage, covered = beforeTheLog) {
  const { log, damaged } = image.assemble(covered);
  const first = log.entries[0]?.index ?? null;
  const last = log.entries.at(-1)?.index ?? null;
  return { base: log.base.index, first, last, damaged, repair: log.hardState.repair };
}

const sound = { damaged: false, repair: null };
const lost = (lastIndex: number) => ({ damaged: true, repair: { term: 4, lastIndex } });

describe("a log put together from frames", () => {
  it("follows replacements, compactions and resets", () => {
    const image = imageOf(
      frame(commands(1, 10)),
      frame(commands(8, 9, 2)),
      frame([], at(5), 9),
      frame(commands(10, 12, 2), at(5)),
    );
    expect(assembled(image)).toEqual({ base: 5, first: 6, last: 12, ...sound });
    image.apply(frame([], at(40, 3), 40));
    expect(assembled(image)).toEqual({ base: 40, first: null, last: null, ...sound });
    image.apply(frame(commands(41, 42, 3), at(40, 3)));
    expect(assembled(image)).toEqual({ base: 40, first: 41, last: 42, ...sound });
  });

  it("ends before a hole, and says how far it went", () => {
    const image = imageOf(frame(commands(1, 10)), null, frame(commands(15, 20)));
    expect(assembled(image)).toEqual({ base: 0, first: 1, last: 10, ...lost(20) });
  });

  it("does not join what only seems to fit: the hole may have replaced what was before", () => {
    const image = imageOf(frame(commands(1, 10)), null, frame(commands(11, 20)));
    expect(assembled(image)).toEqual({ base: 0, first: 1, last: 10, ...lost(20) });
  });

  it("does not mind a hole whose entries are compacted away", () => {
    const image = imageOf(frame(commands(1, 10)), null, frame(commands(11, 20), at(12)));
    expect(assembled(image)).toEqual({ base: 12, first: 13, last: 20, ...sound });
  });

  it("does not mind a hole that a snapshot covers, and begins behind that", () => {
    const image = imageOf(frame(commands(1, 10)), null, frame(commands(15, 20)));
    expect(assembled(image, at(14))).toEqual({ base: 14, first: 15, last: 20, ...sound });
    expect(assembled(image, at(13))).toEqual({ base: 0, first: 1, last: 10, ...lost(20) });
    expect(assembled(image, at(20))).toMatchObject({ base: 20, last: null, ...sound });
  });

  it("keeps no entry of a log that the snapshot's leader had given up", () => {
    const image = imageOf(frame(commands(1, 10)), null, frame(commands(15, 20)));
    expect(assembled(image, at(16, 3))).toEqual({ base: 16, first: null, last: null, ...sound });
  });

  it("keeps nothing when the hole begins right behind the base", () => {
    const image = imageOf(frame([], at(10), 10), null, frame(commands(15, 20), at(10)));
    expect(assembled(image)).toEqual({ base: 10, first: null, last: null, ...lost(20) });
  });
});
