/**
 * One slot of the crash journal as bytes, and what is left out of a decision that does not fit.
 *
 *     offset  bytes  big-endian
 *          0      4  magic "MMJ1"; four zero bytes: the slot is empty
 *          4      2  format version, 1
 *          6      2  zero
 *          8      8  generation: of two slots with one decision the higher is the newer
 *         16      4  length of the JSON
 *         20      4  CRC-32 of bytes 0 to 19 and of the JSON
 *         24         the decision as JSON, UTF-8
 */

import { crc32 } from "node:zlib";
import type { Decision } from "../decision.ts";
import { parseDecision } from "./decision-record.ts";

export const slotBytes = 16 * 1024;
export const headerBytes = 24;
const maxJsonBytes = slotBytes - headerBytes;

const magic = 0x4d4d4a31;
const formatVersion = 1;

export type SlotContent =
  | { readonly kind: "empty" }
  | { readonly kind: "entry"; readonly decision: Decision; readonly generation: bigint }
  /** Torn, flipped, or of another format: what is in it cannot be trusted. */
  | { readonly kind: "damaged"; readonly reason: string };

export interface EncodedEntry {
  /** Header and JSON; at most `slotBytes`. */
  readonly bytes: Buffer;
  /** Whether something was left out to make it fit. */
  readonly trimmed: boolean;
}

/** Null when not even the actions and their undo fit. */
export function encodeSlot(decision: Decision, generation: bigint): EncodedEntry | null {
  const fitted = fitDecision(decision);
  if (fitted === null) return null;
  const bytes = Buffer.alloc(headerBytes + Buffer.byteLength(fitted.json));
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt16BE(formatVersion, 4);
  bytes.writeBigUInt64BE(generation, 8);
  bytes.writeUInt32BE(bytes.length - headerBytes, 16);
  bytes.write(fitted.json, headerBytes, "utf8");
  bytes.writeUInt32BE(checksum(bytes), 20);
  return { bytes, trimmed: fitted.trimmed };
}

/** @param slot a whole slot, or what the file still has of it */
export function decodeSlot(slot: Buffer): SlotContent {
  if (slot.length < slotBytes) return damaged("the file ends within it");
  const start = slot.readUInt32BE(0);
  if (start === 0) return { kind: "empty" };
  if (start !== magic) return damaged("it does not begin like a slot");
  const version = slot.readUInt16BE(4);
  if (version !== formatVersion) return damaged(`it has format ${version}`);
  const length = slot.readUInt32BE(16);
  if (length > maxJsonBytes) return damaged("its length is out of range");
  const bytes = slot.subarray(0, headerBytes + length);
  if (checksum(bytes) !== slot.readUInt32BE(20)) return damaged("its checksum does not match");
  const decision = parseDecision(bytes.toString("utf8", headerBytes));
  if (!decision.ok) return damaged(decision.fault);
  return { kind: "entry", decision: decision.value, generation: slot.readBigUInt64BE(8) };
}

function damaged(reason: string): SlotContent {
  return { kind: "damaged", reason };
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(headerBytes), crc32(bytes.subarray(0, 20)));
}

const keptTextLength = 200;
const keptTimeline = 4;

/**
 * What goes, in this order, until the rest fits: what explains the decision first, what is needed to
 * take it back never. After a crash the undo is the point, the explanation is a convenience.
 */
const trims: readonly ((decision: Decision) => Decision)[] = [
  (decision) => ({ ...decision, symptom: { ...decision.symptom, evidence: [] } }),
  (decision) => ({ ...decision, plan: { ...decision.plan, alternatives: [] } }),
  (decision) => ({
    ...decision,
    verdict: decision.verdict && { ...decision.verdict, before: [], after: [] },
  }),
  (decision) => ({ ...decision, timeline: decision.timeline.slice(-keptTimeline) }),
  shortenTexts,
  (decision) => ({ ...decision, plan: { ...decision.plan, actions: [] } }),
];

function fitDecision(decision: Decision): { json: string; trimmed: boolean } | null {
  let rest = decision;
  for (let step = 0; ; step++) {
    const json = JSON.stringify(rest);
    if (Buffer.byteLength(json) <= maxJsonBytes) return { json, trimmed: step > 0 };
    const trim = trims[step];
    if (trim === undefined) return null;
    rest = trim(rest);
  }
}

/** Cuts every text that people read; names, keys and identifiers stay whole. */
function shortenTexts(decision: Decision): Decision {
  const texts = new Set([
    "summary",
    "reason",
    "message",
    "expectedGain",
    "what",
    "rejectedBecause",
  ]);
  const shorten = (key: string, value: unknown): unknown =>
    texts.has(key) && typeof value === "string" ? value.slice(0, keptTextLength) : value;
  return JSON.parse(JSON.stringify(decision, shorten)) as Decision;
}
