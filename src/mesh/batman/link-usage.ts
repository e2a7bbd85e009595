/**
 * What each link of this node carries: how many originators are reached over it, and how many of
 * them could be reached another way. A repair that steers away from a link is planned, admitted and
 * judged by these numbers.
 */

import type { MacAddress } from "./mac-address.ts";
import type { MeshTables, Path, Quality } from "./tables.ts";

/** One neighbour on one interface. */
export interface LinkUsage {
  readonly neighbour: MacAddress;
  readonly interface: string;
  readonly lastSeenMs: number;
  /** Null: no path leads over it, and the neighbour table has no quality. */
  readonly quality: Quality | null;
  /** Originators whose best path leads over it. */
  readonly routes: number;
  /** Those of them with no path over another interface to a neighbour that is still heard. */
  readonly routesWithoutAlternative: number;
  /** The best path among them, over this link; null without any. */
  readonly bestRouteQuality: Quality | null;
  /** Of each route's best alternative, the worst: below it, all routes move. Null without any. */
  readonly worstAlternativeQuality: Quality | null;
}

const linkKey = (neighbour: MacAddress, on: string) => `${neighbour} ${on}`;

interface Tally {
  routes: number;
  withoutAlternative: number;
  pathQuality: Quality | null;
  bestRoute: Quality | null;
  worstAlternative: Quality | null;
}

/** `freshMs`: a neighbour that was not heard for longer is no alternative. */
export function linkUsage(tables: MeshTables, freshMs: number): readonly LinkUsage[] {
  const fresh = new Set<string>();
  const tallies = new Map<string, Tally>();
  for (const { address, interface: on, lastSeenMs } of tables.neighbours) {
    const key = linkKey(address, on);
    if (lastSeenMs <= freshMs) fresh.add(key);
    tallies.set(key, {
      routes: 0,
      withoutAlternative: 0,
      pathQuality: null,
      bestRoute: null,
      worstAlternative: null,
    });
  }
  for (const paths of byOriginator(tables.paths)) tallyOriginator(paths, tallies, fresh);
  return tables.neighbours.map((neighbour) => {
    const tally = tallies.get(linkKey(neighbour.address, neighbour.interface));
    return {
      neighbour: neighbour.address,
      interface: neighbour.interface,
      lastSeenMs: neighbour.lastSeenMs,
      quality: neighbour.quality ?? tally?.pathQuality ?? null,
      routes: tally?.routes ?? 0,
      routesWithoutAlternative: tally?.withoutAlternative ?? 0,
      bestRouteQuality: tally?.bestRoute ?? null,
      worstAlternativeQuality: tally?.worstAlternative ?? null,
    };
  });
}

function tallyOriginator(
  paths: readonly Path[],
  tallies: ReadonlyMap<string, Tally>,
  fresh: ReadonlySet<string>,
): void {
  for (const path of paths) {
    const tally = tallies.get(linkKey(path.neighbour, path.interface));
    if (tally === undefined) continue;
    // Under BATMAN_IV the best path over a link is the neighbour's own, so it is the link's quality.
    tally.pathQuality = Math.max(tally.pathQuality ?? 0, path.quality);
    if (!path.best) continue;
    tally.routes++;
    tally.bestRoute = Math.max(tally.bestRoute ?? 0, path.quality);
    const alternative = bestAlternative(path, paths, fresh);
    if (alternative === null) tally.withoutAlternative++;
    else tally.worstAlternative = Math.min(tally.worstAlternative ?? alternative, alternative);
  }
}

/** Both ways to steer work on a whole interface: a path over the same one would sink as well. */
function bestAlternative(
  best: Path,
  paths: readonly Path[],
  fresh: ReadonlySet<string>,
): Quality | null {
  let found: Quality | null = null;
  for (const { interface: on, neighbour, quality } of paths) {
    if (on === best.interface || quality === 0 || !fresh.has(linkKey(neighbour, on))) continue;
    found = Math.max(found ?? 0, quality);
  }
  return found;
}

function byOriginator(paths: readonly Path[]): Iterable<readonly Path[]> {
  const groups = new Map<MacAddress, Path[]>();
  for (const path of paths) {
    const group = groups.get(path.originator);
    if (group === undefined) groups.set(path.originator, [path]);
    else group.push(path);
  }
  return groups.values();
}
