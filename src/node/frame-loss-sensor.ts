/**
 * The linkLoss section of the observation: what the kernel program counted of each neighbour's
 * numbered messages. It runs that program for as long as there is a mesh, on the mesh's own
 * interfaces, wherever they come and go.
 */

import {
  type Clock,
  type Fault,
  failed,
  fault,
  type Health,
  type HealthSource,
  healthy,
  ok,
  type Result,
} from "../base/index.ts";
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

/** What this needs of whoever counts frames; the XDP program's watch fits by structure. */
export interface FrameProgram {
  start(): Promise<Result<void, Fault>>;
  /** Makes these the watched interfaces; with the same names again it only looks for changes. */
  watch(names: readonly string[]): Promise<Result<unknown, Fault>>;
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
  /** Gives back what nobody needs any more; called every few seconds. */
  tidy(): void;
  stop(): Promise<void>;
  health(): Health;
}

/** Echoes of our own messages speak of both directions at once: they are left out. */
const directStreams = ["elp", "ogm2", "iv-ogm"];
/** A message is overdue once it is late by half an interval; more than these tell nothing new. */
const maxOverdue = 10;
/** An interface that was made anew has its old name, and no program. */
const lookAgainMs = 5_000;
/** A program that could not be loaded is tried again: somebody may have given the capability. */
const retryMs = 30_000;

export class FrameLossSensor implements Sensor<readonly LinkLossReading[]>, HealthSource {
  readonly component = "frame-counter";
  readonly #parts: {
    readonly clock: Clock;
    readonly program: FrameProgram;
    /** The hard interfaces of the mesh; null: there is no mesh. */
    readonly wanted: () => readonly string[] | null;
  };
  #running = false;
  #startFault: { readonly fault: Fault; readonly atMs: number } | null = null;
  #watched = "";
  #watchedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly clock: Clock;
    readonly program: FrameProgram;
    readonly wanted: () => readonly string[] | null;
  }) {
    this.#parts = parts;
  }

  async sample(): Promise<Result<readonly LinkLossReading[], Fault>> {
    const { program, wanted } = this.#parts;
    const names = wanted();
    if (names === null) return failed(fault("E_NOT_SUPPORTED", "there is no mesh to count on"));
    const started = await this.#start();
    if (!started.ok) return started;
    const followed = await this.#follow(names);
    if (!followed.ok) return followed;
    const reading = program.read();
    if (!reading.ok) return reading;
    const on = new Map(program.attached().map(({ index, name }) => [index, name]));
    return ok(
      reading.value.neighbours.flatMap(({ ifindex, address, streams }) => {
        const name = on.get(ifindex);
        const heard = directStreams.flatMap((stream) => streams[stream] ?? []);
        return name === undefined || heard.length === 0 ? [] : [sumOf(address, name, heard)];
      }),
    );
  }

  async close(): Promise<void> {
    this.#running = false;
    await this.#parts.program.stop();
  }

  health(): Health {
    if (this.#parts.wanted() === null) return healthy("no mesh to count on");
    if (this.#startFault === null) return this.#parts.program.health();
    const { message: reason, remedy } = this.#startFault.fault;
    const state = "degraded";
    return remedy === undefined ? { state, reason } : { state, reason, remedy };
  }

  async #start(): Promise<Result<void, Fault>> {
    if (this.#running) return ok(undefined);
    const { clock, program } = this.#parts;
    const atMs = clock.monotonicMs();
    const last = this.#startFault;
    if (last !== null && atMs - last.atMs < retryMs) return failed(last.fault);
    const started = await program.start();
    this.#running = started.ok;
    this.#startFault = started.ok ? null : { fault: started.fault, atMs };
    return started;
  }

  async #follow(names: readonly string[]): Promise<Result<unknown, Fault>> {
    const { clock, program } = this.#parts;
    const wanted = names.join(" ");
    const atMs = clock.monotonicMs();
    if (wanted === this.#watched && atMs - this.#watchedAtMs < lookAgainMs) return ok(undefined);
    const watched = await program.watch(names);
    program.tidy();
    this.#watched = watched.ok ? wanted : "";
    this.#watchedAtMs = atMs;
    return watched;
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
