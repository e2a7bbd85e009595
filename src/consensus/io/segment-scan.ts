/**
 * Reads the frames of a segment and tells a torn end from damage. Knows the rule on which "never cut
 * off what was acknowledged" rests: a group is begun only when the one before is synced, so bytes of
 * a later group prove that an unreadable frame was once on disk.
 */

import {
  type Frame,
  type FramePlace,
  frameAlignment,
  frameHeaderBytes,
  placeAfter,
  readFrame,
} from "./log-frame.ts";

export interface SegmentExtent {
  readonly place: FramePlace;
  /** Where the first frame begins. */
  readonly startBytes: number;
  /** Where the frames end when a later segment says so; null in the newest. */
  readonly sealedAtBytes: number | null;
}

export interface ScanVisitor {
  onFrame(frame: Frame): void;
  /** One or more frames are missing here that were once synced. */
  onDamage(atBytes: number): void;
}

export interface ScanEnd {
  /** Where the next frame is to stand, and what it must be. */
  readonly endBytes: number;
  readonly place: FramePlace;
  /** Whole frames of a torn group lie behind the end; they must not be found by a later scan. */
  readonly strays: boolean;
}

export function scanSegment(bytes: Buffer, extent: SegmentExtent, visitor: ScanVisitor): ScanEnd {
  const sealed = extent.sealedAtBytes;
  const limit = Math.min(bytes.length, sealed ?? bytes.length);
  let at = extent.startBytes;
  let { place } = extent;
  for (;;) {
    const frame = readFrame(bytes, at, limit, place);
    if (frame !== null && follows(frame, place)) {
      visitor.onFrame(frame);
      place = placeAfter(place, frame);
      at = frame.end;
      continue;
    }
    if (at === sealed) return { endBytes: at, place, strays: false };
    const { next, laterGroup } = lookBeyond(bytes, at, limit, place);
    if (sealed === null && !laterGroup) return { endBytes: at, place, strays: next !== null };
    visitor.onDamage(at);
    if (next === null) return { endBytes: limit, place, strays: false };
    place = {
      ...place,
      group: next.frame.group,
      part: next.frame.part,
      chain: next.frame.previous,
    };
    at = next.at;
  }
}

function follows(frame: Frame, { chain, group, part }: FramePlace): boolean {
  return frame.previous === chain && frame.group === group && frame.part === part;
}

/** The next whole frame of this segment's present use, and whether any is of a later group. */
function lookBeyond(
  bytes: Buffer,
  at: number,
  limit: number,
  place: FramePlace,
): { readonly next: { frame: Frame; at: number } | null; readonly laterGroup: boolean } {
  let next: { frame: Frame; at: number } | null = null;
  for (let position = at; position + frameHeaderBytes <= limit; position += frameAlignment) {
    const frame = readFrame(bytes, position, limit, place);
    if (frame === null) continue;
    const later = frame.group > place.group;
    if (later || (frame.group === place.group && frame.part >= place.part)) {
      next ??= { frame, at: position };
      if (later) return { next, laterGroup: true };
    }
    // Bytes inside a whole frame are its own.
    position = frame.end - frameAlignment;
  }
  return { next, laterGroup: false };
}
