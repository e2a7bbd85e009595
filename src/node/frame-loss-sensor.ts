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
import type { LinkLossReading, MessageCount, Sensor } from "../mape-k/index.ts";

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

/** Originator messages that bear another address than the neighbour that sent them. */
interface CountedPath {
  readonly ifindex: number;
  readonly neighbour: string;
  readonly protocol: string;
  readonly stream: CountedStream & { readonly ttl: number };
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
      readonly paths: readonly CountedPath[];
    },
    Fault
  >;
  /** Gives back what nobody needs any more; called every few seconds. */
  tidy(): void;
  stop(): Promise<void>;
  health(): Health;
}

const directStreams = ["elp", "ogm2", "iv-ogm"];
/** Our own messages as the neighbour repeats them: they speak of both directions at once. */
const echoStream = "iv-echo";
/**
 * A node announces its primary interface on all others too. Such a message has lost none of its hops
 * yet (BATADV_TTL, net/batman-adv/main.h), whatever the neighbour's address on this link.
 */
const announcements = ["ogm2", "iv-ogm"];
const freshTtl = 50;
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
    const announced = announcedBy(reading.value.paths);
    return ok(
      reading.value.neighbours.flatMap(({ ifindex, address, streams }) => {
        const name = on.get(ifindex);
        const own = directStreams.flatMap((stream) => streams[stream] ?? []);
        const heard = [...own, ...(announced.get(`${ifindex} ${address}`) ?? [])];
        if (name === undefined || heard.length === 0) return [];
        const { expected, received, overdue } = sumOf(heard);
        const echoes = sumOf(streams[echoStream] ? [streams[echoStream]] : []);
        return [{ neighbour: address, interface: name, expected, received, overdue, echoes }];
      }),
    );
  }

  async close(): Promise<void> {
    this.#running = false;
    await this.#parts.program.stop();
  }

  /** Why the program does not run; null when it does, or was not needed yet. */
  get startFault(): Fault | null {
    return this.#startFault?.fault ?? null;
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

/** What neighbours say of their primary interfaces, by interface and neighbour. */
function announcedBy(paths: readonly CountedPath[]): ReadonlyMap<string, CountedStream[]> {
  const found = new Map<string, CountedStream[]>();
  for (const { ifindex, neighbour, protocol, stream } of paths) {
    if (stream.ttl !== freshTtl || !announcements.includes(protocol)) continue;
    const key = `${ifindex} ${neighbour}`;
    found.set(key, [...(found.get(key) ?? []), stream]);
  }
  return found;
}

function sumOf(streams: readonly CountedStream[]): MessageCount {
  let [expected, received, overdue] = [0, 0, 0];
  for (const stream of streams) {
    const got = Math.max(0, stream.messages - stream.duplicates - stream.strays);
    received += got;
    expected += got + stream.lost;
    overdue += overdueOf(stream);
  }
  return { expected, received, overdue };
}

function overdueOf({ ageMs, intervalUs }: CountedStream): number {
  if (intervalUs <= 0) return 0;
  return Math.min(maxOverdue, Math.max(0, Math.floor((ageMs * 1_000) / intervalUs - 0.5)));
}
