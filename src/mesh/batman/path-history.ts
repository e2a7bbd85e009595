/**
 * How the paths of the mesh fared lately: per path its quality, sample by sample, and per
 * originator how often traffic changed its next hop. Memory is bounded by `maxPaths * samples * 4`
 * bytes; what does not fit is counted.
 */

import type { MacAddress } from "./mac-address.ts";
import type { Path, Quality } from "./tables.ts";

export interface PathHistoryOptions {
  readonly maxPaths: number;
  readonly samples: number;
  /** A path that was not in the tables for so long is forgotten. */
  readonly forgetAfterMs: number;
}

interface Track {
  readonly originator: MacAddress;
  readonly qualities: Float32Array;
  count: number;
  seenMs: number;
}

interface Route {
  nextHop: string;
  switches: number;
  seenMs: number;
}

/** Which path: the originator and the next hop on an interface. */
export type PathName = Pick<Path, "originator" | "neighbour" | "interface">;

const pathKey = ({ originator, neighbour, interface: on }: PathName) =>
  `${originator} ${neighbour} ${on}`;

export class PathHistory {
  readonly #options: PathHistoryOptions;
  readonly #tracks = new Map<string, Track>();
  readonly #routes = new Map<MacAddress, Route>();
  #switches = 0;
  #refused = 0;

  constructor(options: PathHistoryOptions) {
    this.#options = options;
  }

  /** One reading of the originator table, at a monotonic time. */
  record(paths: readonly Path[], atMs: number): void {
    for (const path of paths) {
      this.#sample(path, atMs);
      if (path.best) this.#route(path, atMs);
    }
    this.#forget(atMs - this.#options.forgetAfterMs);
  }

  #sample(path: Path, atMs: number): void {
    const key = pathKey(path);
    let track = this.#tracks.get(key);
    if (track === undefined) {
      if (this.#tracks.size >= this.#options.maxPaths) {
        this.#refused++;
        return;
      }
      const qualities = new Float32Array(this.#options.samples);
      track = { originator: path.originator, qualities, count: 0, seenMs: atMs };
      this.#tracks.set(key, track);
    }
    track.qualities[track.count % this.#options.samples] = path.quality;
    track.count++;
    track.seenMs = atMs;
  }

  #route(path: Path, atMs: number): void {
    const nextHop = `${path.neighbour} ${path.interface}`;
    const route = this.#routes.get(path.originator);
    if (route === undefined) {
      if (this.#routes.size >= this.#options.maxPaths) return;
      this.#routes.set(path.originator, { nextHop, switches: 0, seenMs: atMs });
      return;
    }
    route.seenMs = atMs;
    if (route.nextHop === nextHop) return;
    route.nextHop = nextHop;
    route.switches++;
    this.#switches++;
  }

  #forget(olderThanMs: number): void {
    for (const [key, { seenMs }] of this.#tracks) {
      if (seenMs < olderThanMs) this.#tracks.delete(key);
    }
    for (const [originator, { seenMs }] of this.#routes) {
      if (seenMs < olderThanMs) this.#routes.delete(originator);
    }
  }

  /** Oldest first; empty for a path nobody knows. */
  qualities(of: PathName): readonly Quality[] {
    const track = this.#tracks.get(pathKey(of));
    if (track === undefined) return [];
    const { samples } = this.#options;
    const kept = Math.min(track.count, samples);
    return Array.from(
      { length: kept },
      (_, nth) => track.qualities[(track.count - kept + nth) % samples] ?? 0,
    );
  }

  /** Changes of the next hop to this originator since it was first seen. */
  switches(originator: MacAddress): number {
    return this.#routes.get(originator)?.switches ?? 0;
  }

  /** All changes of next hops since the start; never falls. */
  get totalSwitches(): number {
    return this.#switches;
  }

  /** Samples not kept because there were too many paths. */
  get refused(): number {
    return this.#refused;
  }
}
