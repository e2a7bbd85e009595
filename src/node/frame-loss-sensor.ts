/**
 * The linkLoss section of the observation: what the kernel program counted of each neighbour's
 * numbered messages, over all kinds of them that come straight from it.
 */

import { type Fault, ok, type Result } from "../base/index.ts";
import type { LinkLossReading, Sensor } from "../mape-k/index.ts";

interface CountedStream {
  readonly messages: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly strays: number;
  /** Milliseconds since the newest message. */
  readonly ageMs: number;
  /** Smoothed time between consecutive numbers, 0 until known. */
  readonly intervalUs: number;
}

/** What this needs of whoever counts frames; the XDP programs' reading fits by structure. */
export interface FrameCounts {
  attached(): readonly { readonly index: number; readonly name: string }[];
  read(): Result<
    {
      readonly neighbours: readonly {
        readonly ifindex: number;
        readonly address: string;
        readonly streams: Readonly<Record<string, CountedStream | null>>;
      }[];
    },
    Fault
  >;
}

/** Echoes of our own messages speak of both directions at once: they are left out. */
const directStreams = ["elp", "ogm2", "iv-ogm"];
/** A message is overdue once it is late by half an interval; more than these tell nothing new. */
const maxOverdue = 10;

export class FrameLossSensor implements Sensor<readonly LinkLossReading[]> {
  readonly #counts: FrameCounts;

  constructor(parts: { readonly counts: FrameCounts }) {
    this.#counts = parts.counts;
  }

  sample(): Result<readonly LinkLossReading[], Fault> {
    const reading = this.#counts.read();
    if (!reading.ok) return reading;
    const names = new Map(this.#counts.attached().map(({ index, name }) => [index, name]));
    return ok(
      reading.value.neighbours.flatMap(({ ifindex, address, streams }) => {
        const on = names.get(ifindex);
        const heard = directStreams.flatMap((name) => streams[name] ?? []);
        return on === undefined || heard.length === 0 ? [] : [sumOf(address, on, heard)];
      }),
    );
  }
}

function sumOf(neighbour: string, on: string, streams: readonly CountedStream[]): LinkLossReading {
  let [expected, received, overdue] = [0, 0, 0];
  for (const stream of streams) {
    const got = Math.max(0, stream.messages - stream.duplicates - stream.strays);
    received += got;
    expected += got + stream.lost;
    overdue += overdueOf(stream);
  }
  return { neighbour, interface: on, expected, received, overdue };
}

function overdueOf({ ageMs, intervalUs }: CountedStream): number {
  if (intervalUs <= 0) return 0;
  return Math.min(maxOverdue, Math.max(0, Math.floor((ageMs * 1_000) / intervalUs - 0.5)));
}
