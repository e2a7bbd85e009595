/**
 * Who else runs meshmend, as far as anybody has told: what each source saw under which address, how
 * long that holds, and which of it is one node. What is told is a claim; nobody has proved who they
 * are. So one sender can neither fill the roster nor end what another address has said.
 */

export type PeerSource = "mdns" | "seed" | "dhcp";

export const peerSources: readonly PeerSource[] = ["mdns", "seed", "dhcp"];

/** What a node says of itself. */
export interface PeerClaim {
  readonly nodeId: string;
  readonly clusterId: string | null;
  readonly version: string | null;
  /** Its address in the mesh's originator table; null: it is in no mesh, or does not say. */
  readonly originator: string | null;
  /** Null: not reachable by others. */
  readonly httpPort: number | null;
  readonly peerPort: number | null;
}

/** One source saw this claim come from this address. */
export interface Sighting {
  readonly source: PeerSource;
  /** IPv4, or IPv6 with its zone where it is link-local. */
  readonly address: string;
  readonly claim: PeerClaim;
  /** For how long it holds unless it is seen again. */
  readonly lifetimeMs: number;
}

export interface PeerAddress {
  readonly address: string;
  readonly source: PeerSource;
  readonly httpPort: number | null;
  readonly peerPort: number | null;
  /** Monotonic. */
  readonly lastSeenMs: number;
  readonly expiresMs: number;
}

export interface Peer {
  readonly nodeId: string;
  readonly clusterId: string | null;
  readonly version: string | null;
  readonly originator: string | null;
  readonly sources: readonly PeerSource[];
  readonly addresses: readonly PeerAddress[];
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly expiresMs: number;
  /** Two originators go by this name: it was given twice, or somebody lies. */
  readonly isContested: boolean;
}

export type RosterChange =
  | { readonly kind: "appeared"; readonly peer: Peer }
  | { readonly kind: "gone"; readonly peer: Peer; readonly reason: "goodbye" | "expired" };

export interface RosterOptions {
  /** This node; it is no peer of its own. */
  readonly self: string;
  readonly maxPeers: number;
  /** Names that one address may go by. */
  readonly maxPeersPerAddress: number;
  readonly maxAddressesPerPeer: number;
}

interface Seen {
  readonly sighting: Sighting;
  readonly lastSeenMs: number;
}

interface Entry {
  readonly firstSeenMs: number;
  /** By source and address, in the order they were first seen. */
  readonly seen: Map<string, Seen>;
}

const seenKey = (source: PeerSource, address: string) => `${source} ${address}`;
const expiresMs = ({ sighting, lastSeenMs }: Seen) => lastSeenMs + sighting.lifetimeMs;

export class PeerRoster {
  readonly #options: RosterOptions;
  readonly #entries = new Map<string, Entry>();
  #refused = 0;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** The change when the peer is new; null when it was known, is this node, or finds no room. */
  see(sighting: Sighting, nowMs: number): RosterChange | null {
    const { self, maxPeers, maxAddressesPerPeer } = this.#options;
    const { source, address, claim } = sighting;
    if (claim.nodeId === self) return null;
    const key = seenKey(source, address);
    const known = this.#entries.get(claim.nodeId);
    const isNewAddress = known?.seen.has(key) !== true;
    const hasRoom =
      known === undefined
        ? this.#entries.size < maxPeers
        : !isNewAddress || known.seen.size < maxAddressesPerPeer;
    if (!hasRoom || (isNewAddress && this.#isGreedy(address, claim.nodeId))) {
      this.#refused++;
      return null;
    }
    const entry = known ?? { firstSeenMs: nowMs, seen: new Map<string, Seen>() };
    entry.seen.set(key, { sighting, lastSeenMs: nowMs });
    if (known !== undefined) return null;
    this.#entries.set(claim.nodeId, entry);
    return { kind: "appeared", peer: peerOf(claim.nodeId, entry) };
  }

  /** It said goodbye, from this address; what was seen elsewhere stands. */
  forget(nodeId: string, source: PeerSource, address: string): RosterChange | null {
    const entry = this.#entries.get(nodeId);
    if (entry === undefined) return null;
    const peer = peerOf(nodeId, entry);
    entry.seen.delete(seenKey(source, address));
    if (entry.seen.size > 0) return null;
    this.#entries.delete(nodeId);
    return { kind: "gone", peer, reason: "goodbye" };
  }

  /** Drops what has not been seen again in time. */
  expire(nowMs: number): readonly RosterChange[] {
    const changes: RosterChange[] = [];
    for (const [nodeId, entry] of this.#entries) {
      const peer = peerOf(nodeId, entry);
      for (const [key, seen] of entry.seen) {
        if (expiresMs(seen) <= nowMs) entry.seen.delete(key);
      }
      if (entry.seen.size > 0) continue;
      this.#entries.delete(nodeId);
      changes.push({ kind: "gone", peer, reason: "expired" });
    }
    return changes;
  }

  /** By name. */
  peers(): readonly Peer[] {
    return [...this.#entries]
      .map(([nodeId, entry]) => peerOf(nodeId, entry))
      .toSorted((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Sightings for which there was no room, since the start. */
  get refused(): number {
    return this.#refused;
  }

  #isGreedy(address: string, nodeId: string): boolean {
    let names = 0;
    for (const [name, { seen }] of this.#entries) {
      if (name === nodeId) continue;
      if ([...seen.values()].some(({ sighting }) => sighting.address === address)) names++;
    }
    return names >= this.#options.maxPeersPerAddress;
  }
}

/** The first address to claim a name is believed in what the addresses contradict each other. */
function peerOf(nodeId: string, { firstSeenMs, seen }: Entry): Peer {
  const all = [...seen.values()];
  const first = <Value>(of: (claim: PeerClaim) => Value | null): Value | null => {
    for (const { sighting } of all) {
      const value = of(sighting.claim);
      if (value !== null) return value;
    }
    return null;
  };
  const originators = new Set(all.flatMap(({ sighting }) => sighting.claim.originator ?? []));
  return {
    nodeId,
    clusterId: first(({ clusterId }) => clusterId),
    version: first(({ version }) => version),
    originator: first(({ originator }) => originator),
    sources: peerSources.filter((source) => all.some(({ sighting }) => sighting.source === source)),
    addresses: all.map((each) => ({
      address: each.sighting.address,
      source: each.sighting.source,
      httpPort: each.sighting.claim.httpPort,
      peerPort: each.sighting.claim.peerPort,
      lastSeenMs: each.lastSeenMs,
      expiresMs: expiresMs(each),
    })),
    firstSeenMs,
    lastSeenMs: Math.max(...all.map(({ lastSeenMs }) => lastSeenMs)),
    expiresMs: Math.max(...all.map(expiresMs)),
    isContested: originators.size > 1,
  };
}
