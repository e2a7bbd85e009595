/**
 * What mesh.bpf.c has counted, as plain data. Counters are cumulative since the programs were
 * loaded; rates come from two readings (see rates.ts). An entry may be caught while the kernel
 * writes it, and then is off by that one message.
 */

import { counters, halves, macAt, rowsOf, type Table, uint32, uint64, viewOf } from "./decode.ts";
import {
  type DirectStream,
  directStreams,
  type FrameVerdict,
  interfaceLayout,
  neighbourKeyLayout,
  neighbourLayout,
  type Protocol,
  pathKeyLayout,
  pathLayout,
  protocols,
  streamLayout,
  type Trouble,
  troubles,
  verdicts,
} from "./mesh-abi.ts";

/** One sender's numbered messages. */
export interface StreamReading {
  /** All, duplicates and strays too. */
  readonly messages: number;
  /** Missing between the first and the highest number; falls when a late one arrives. */
  readonly lost: number;
  readonly duplicates: number;
  /** Late, but within the window of 64. */
  readonly reordered: number;
  /** Far outside the window, and not the begin of a new sequence. */
  readonly strays: number;
  /** How often the sender began to count anew. */
  readonly restarts: number;
  /** The newest sequence number. */
  readonly highest: number;
  /** How many of the newest numbers are judged, to 64... */
  readonly window: number;
  /** ...and how many of them are missing. */
  readonly windowLost: number;
  /** Bit i: whether number `highest - i` was received; of the newest 32, as far as judged. */
  readonly receivedBits: number;
  /** Milliseconds since the newest message. */
  readonly ageMs: number;
  /** Smoothed time between consecutive numbers, 0 until known. */
  readonly intervalUs: number;
  readonly jitterUs: number;
  /**
   * Of the newest message: TQ (0 to 255) for IV, throughput in 100 kbit/s for V (2^32 - 1 in a
   * neighbour's own OGM2s: the path to itself costs nothing), else 0.
   */
  readonly quality: number;
  readonly ttl: number;
  /** A burst of loss was announced and is not over. */
  readonly bursting: boolean;
}

export interface NeighbourReading {
  readonly ifindex: number;
  readonly address: string;
  readonly silent: boolean;
  /** Milliseconds since its last frame. */
  readonly ageMs: number;
  readonly knownMs: number;
  readonly frames: number;
  readonly bytes: number;
  readonly silences: number;
  /** How often it should be heard; 0 until known. */
  readonly intervalMs: number;
  /** The kernel's timer watches its silence; otherwise only `ageMs` tells. */
  readonly timed: boolean;
  /** Null: none heard. */
  readonly streams: Readonly<Record<DirectStream, StreamReading | null>>;
}

/** OGMs of an originator that came through a neighbour, or its broadcasts. */
export interface PathReading {
  readonly ifindex: number;
  readonly neighbour: string;
  readonly originator: string;
  readonly protocol: Protocol;
  readonly stream: StreamReading;
}

export interface InterfaceCounters {
  readonly ifindex: number;
  readonly frames: Readonly<Record<Protocol, number>>;
  readonly bytes: Readonly<Record<Protocol, number>>;
  readonly verdicts: Readonly<Record<FrameVerdict, number>>;
  readonly troubles: Readonly<Record<Trouble, number>>;
  /** Originator messages, each one of an aggregate. */
  readonly ogms: number;
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** How many of the lowest `window` bits are zero. */
function missing(low: number, high: number, window: number): number {
  const lowMask = window >= 32 ? -1 : (1 << window) - 1;
  const highMask = window >= 64 ? -1 : window <= 32 ? 0 : (1 << (window - 32)) - 1;
  return ones(~low & lowMask) + ones(~high & highMask);
}

function ageMs(nowNs: number, thenNs: number): number {
  return Math.max(0, nowNs - thenNs) / 1e6;
}

/** Null when no message was counted. `nowNs` is CLOCK_MONOTONIC. */
function decodeStream(view: DataView, at: number, nowNs: number): StreamReading | null {
  const window = view.getUint8(at + streamLayout.window);
  if (window === 0) return null;
  const [low, high] = halves(view, at + streamLayout.receivedBits);
  return {
    messages: uint64(view, at + streamLayout.messages),
    lost: uint64(view, at + streamLayout.lost),
    duplicates: uint64(view, at + streamLayout.duplicates),
    reordered: uint64(view, at + streamLayout.reordered),
    strays: uint64(view, at + streamLayout.strays),
    restarts: uint64(view, at + streamLayout.restarts),
    highest: uint32(view, at + streamLayout.highest),
    window,
    windowLost: missing(low, high, window),
    receivedBits: low >>> 0,
    ageMs: ageMs(nowNs, uint64(view, at + streamLayout.lastNs)),
    intervalUs: uint32(view, at + streamLayout.intervalUs),
    jitterUs: uint32(view, at + streamLayout.jitterUs),
    quality: uint32(view, at + streamLayout.quality),
    ttl: view.getUint8(at + streamLayout.ttl),
    bursting: view.getUint8(at + streamLayout.bursting) !== 0,
  };
}

export function decodeNeighbours(table: Table, nowNs: number): NeighbourReading[] {
  const readings: NeighbourReading[] = [];
  for (const { key, value } of rowsOf(table, neighbourKeyLayout.bytes, neighbourLayout.bytes)) {
    const streams = directStreams.map((name, i) => {
      const at = neighbourLayout.streams + i * streamLayout.bytes;
      return [name, decodeStream(value, at, nowNs)] as const;
    });
    readings.push({
      ifindex: uint32(key, neighbourKeyLayout.ifindex),
      address: macAt(key, neighbourKeyLayout.mac),
      silent: uint32(value, neighbourLayout.state) === 2,
      ageMs: ageMs(nowNs, uint64(value, neighbourLayout.lastNs)),
      knownMs: ageMs(nowNs, uint64(value, neighbourLayout.firstNs)),
      frames: uint64(value, neighbourLayout.frames),
      bytes: uint64(value, neighbourLayout.bytesReceived),
      silences: uint64(value, neighbourLayout.silences),
      intervalMs: uint32(value, neighbourLayout.intervalUs) / 1000,
      timed: value.getUint8(neighbourLayout.timed) !== 0,
      streams: Object.fromEntries(streams) as Record<DirectStream, StreamReading | null>,
    });
  }
  return readings;
}

export function decodePaths(table: Table, nowNs: number): PathReading[] {
  const readings: PathReading[] = [];
  for (const { key, value } of rowsOf(table, pathKeyLayout.bytes, pathLayout.bytes)) {
    const stream = decodeStream(value, pathLayout.stream, nowNs);
    // Made this very moment, not yet counted in.
    if (stream === null) continue;
    readings.push({
      ifindex: uint32(key, pathKeyLayout.ifindex),
      neighbour: macAt(key, pathKeyLayout.neighbour),
      originator: macAt(key, pathKeyLayout.originator),
      protocol: protocols[key.getUint8(pathKeyLayout.protocol)] ?? "unknown",
      stream,
    });
  }
  return readings;
}

export function decodeInterface(ifindex: number, value: Uint8Array): InterfaceCounters {
  const view = viewOf(value);
  return {
    ifindex,
    frames: counters(view, interfaceLayout.frames, protocols),
    bytes: counters(view, interfaceLayout.bytesPerProtocol, protocols),
    verdicts: counters(view, interfaceLayout.verdicts, verdicts),
    troubles: counters(view, interfaceLayout.troubles, troubles),
    ogms: uint64(view, interfaceLayout.ogms),
  };
}
