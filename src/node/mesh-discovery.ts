/**
 * Which other nodes run meshmend: multicast DNS, named seeds and the DHCP lease fill one roster, the
 * originator table says who of them is in the mesh, and each who comes or goes is an event. What is
 * found is shown and named; nothing is decided by it, for nobody has proved who they are.
 */

import {
  type Clock,
  type Health,
  type HealthSource,
  type Logger,
  messageOf,
  type Random,
} from "../base/index.ts";
import { type NodeConfig, writeHostPort } from "../config/index.ts";
import type { LoopEvent } from "../mape-k/index.ts";
import {
  type Peer,
  type PeerClaim,
  PeerRoster,
  type PeerSource,
  peerSources,
  type RosterChange,
  type Sighting,
} from "../mesh/index.ts";
import type { FoundLeases, LeaseSearch } from "../mesh/io/lease-files.ts";
import type { LinkAddresses } from "../mesh/io/link-addresses.ts";
import { MdnsDiscovery } from "../mesh/io/mdns-discovery.ts";
import type { OpenMdnsFace } from "../mesh/io/mdns-face.ts";
import { type AskedSeed, type Seed, SeedDiscovery } from "../mesh/io/seed-discovery.ts";
import type { SeenMesh } from "./batman-watch.ts";

export interface MeshDiscoveryParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly openMdns: OpenMdnsFace;
  readonly linkAddresses: (on: string) => LinkAddresses | null;
  readonly readLeases: (search: Omit<LeaseSearch, "root">) => Promise<FoundLeases>;
  readonly publish: (event: LoopEvent) => void;
  /** Null: no mesh is seen now. */
  readonly seen: () => SeenMesh | null;
  readonly version: string;
  /** Null: others cannot reach it. */
  readonly httpPort: () => number | null;
}

const limits = { maxPeers: 256, maxPeersPerAddress: 4, maxAddressesPerPeer: 8 };
const expireEveryMs = 1_000;
/** Whoever floods the roster must not flood the event stream too. */
const maxEventsPerMinute = 120;

export class MeshDiscovery implements HealthSource {
  readonly component = "discovery";
  readonly #parts: MeshDiscoveryParts;
  readonly #config: Pick<NodeConfig, "nodeId" | "mesh">;
  readonly #roster: PeerRoster;
  readonly #mdns: MdnsDiscovery | null;
  readonly #seeds: SeedDiscovery | null;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #meshName: string | null = null;
  #originator: string | null = null;
  #leases: FoundLeases | null = null;
  #eventRoom = maxEventsPerMinute;
  #roomAtMs: number;
  #eventsLeftOut = 0;

  constructor(parts: MeshDiscoveryParts, config: Pick<NodeConfig, "nodeId" | "mesh">) {
    this.#parts = parts;
    this.#config = config;
    this.#roomAtMs = parts.clock.monotonicMs();
    this.#roster = new PeerRoster({ ...limits, self: config.nodeId });
    const { discovery } = config.mesh;
    const { announceIntervalMs } = discovery;
    const { clock, random, logger } = parts;
    this.#mdns =
      discovery.mdns === "off"
        ? null
        : new MdnsDiscovery(
            {
              clock,
              random,
              logger,
              open: parts.openMdns,
              on: () => this.#mdnsInterface(),
              addresses: parts.linkAddresses,
              self: () => this.#self(),
              onSeen: (claim, address, lifetimeMs) =>
                this.#see({ source: "mdns", claim, address, lifetimeMs }),
              onGoodbye: (nodeId, address) =>
                this.#tell(this.#roster.forget(nodeId, "mdns", address)),
            },
            { announceIntervalMs },
          );
    this.#seeds =
      discovery.seeds.length === 0 && discovery.dhcp === "off"
        ? null
        : new SeedDiscovery(
            {
              clock,
              self: config.nodeId,
              seeds: () => this.#allSeeds(),
              onSeen: (source, claim, address, lifetimeMs) =>
                this.#see({ source, claim, address, lifetimeMs }),
            },
            { askEveryMs: announceIntervalMs },
          );
  }

  start(): void {
    this.#mdns?.start();
    this.#seeds?.start();
    this.#running = this.#expire();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const ends = [this.#running];
    if (this.#mdns !== null) ends.push(this.#mdns.stop());
    if (this.#seeds !== null) ends.push(this.#seeds.stop());
    for (const end of await Promise.allSettled(ends)) {
      if (end.status === "fulfilled") continue;
      this.#parts.logger.error("discovery did not stop cleanly", { error: messageOf(end.reason) });
    }
  }

  /** As `/api/v1/mesh/peers` shows it. */
  peers() {
    const nowMs = this.#parts.clock.monotonicMs();
    const times = ({ lastSeenMs, expiresMs }: Pick<Peer, "lastSeenMs" | "expiresMs">) => ({
      lastSeenMs: nowMs - lastSeenMs,
      expiresInMs: expiresMs - nowMs,
    });
    const originators = this.#originators();
    const mdns = this.#mdns?.refused;
    return {
      self: this.#self(),
      peers: this.#roster.peers().map((peer) => ({
        nodeId: peer.nodeId,
        clusterId: peer.clusterId,
        version: peer.version,
        originator: peer.originator,
        inOriginatorTable:
          originators === null || peer.originator === null
            ? null
            : originators.has(peer.originator),
        contested: peer.isContested,
        sources: peer.sources,
        addresses: peer.addresses.map((each) => ({
          address: each.address,
          source: each.source,
          httpPort: each.httpPort,
          peerPort: each.peerPort,
          ...times(each),
        })),
        ...times(peer),
      })),
      seeds: (this.#seeds?.asked ?? []).map(shownSeed),
      mdnsInterface: this.#mdns?.interface ?? null,
      refused: {
        noRoom: this.#roster.refused,
        malformed: mdns?.malformed ?? 0,
        offLink: mdns?.off_link ?? 0,
        events: this.#eventsLeftOut,
      },
    };
  }

  /** What peers call themselves, by originator address; not where two claim one. */
  names(): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    const twice = new Set<string>();
    for (const { originator, nodeId, isContested } of this.#roster.peers()) {
      if (originator === null) continue;
      if (isContested || names.has(originator)) twice.add(originator);
      names.set(originator, nodeId);
    }
    for (const originator of twice) names.delete(originator);
    return names;
  }

  counts(): Readonly<Record<PeerSource, number>> {
    const peers = this.#roster.peers();
    const of = (source: PeerSource) =>
      peers.filter(({ sources }) => sources.includes(source)).length;
    return Object.fromEntries(peerSources.map((source) => [source, of(source)])) as Record<
      PeerSource,
      number
    >;
  }

  /** What was told and not taken, since the start. */
  get refused(): number {
    return this.#roster.refused + (this.#mdns?.refused.malformed ?? 0);
  }

  health(): Health {
    const troubles = [this.#mdnsTrouble(), this.#leaseTrouble()].filter((each) => each !== null);
    const [first] = troubles;
    if (first !== undefined) return first;
    const asked = this.#seeds?.asked ?? [];
    const silent = asked.filter(({ outcome }) => outcome.kind === "silent");
    if (asked.length > 0 && silent.length === asked.length) {
      const reason = `none of ${asked.length} seeds answers: ${silent.map(writeHostPort).join(", ")}`;
      const remedy = "their http.listen must be an address that this node reaches";
      return { state: "degraded", reason, remedy };
    }
    const contested = this.#roster.peers().filter(({ isContested }) => isContested);
    if (contested.length > 0) {
      const names = contested.map(({ nodeId }) => nodeId).join(", ");
      const remedy = "give each node a nodeId of its own";
      return { state: "degraded", reason: `several nodes go by the same name: ${names}`, remedy };
    }
    const ways = this.#mdns?.health().reason ?? "mDNS is off";
    const seeds = asked.length === 0 ? "" : `; ${asked.length} seeds, ${silent.length} silent`;
    return { state: "ok", reason: `${this.#roster.size} peers; ${ways}${seeds}` };
  }

  #mdnsTrouble(): Health | null {
    if (this.#mdns === null) return null;
    const { mdns } = this.#config.mesh.discovery;
    if (mdns === "on" && this.#mdnsInterface() === null) {
      return {
        state: "degraded",
        reason: "mDNS is on, and there is no mesh interface",
        remedy: "name one in mesh.discovery.interface",
      };
    }
    const health = this.#mdns.health();
    return health.state === "ok" ? null : health;
  }

  #leaseTrouble(): Health | null {
    const { dhcp, dhcpOption } = this.#config.mesh.discovery;
    const leases = this.#leases;
    if (dhcp !== "on" || leases === null || leases.seeds.length > 0) return null;
    const [unreadable] = leases.unreadable;
    const seen =
      leases.files.length === 0
        ? (unreadable ?? "no lease file was found")
        : `no address in option ${dhcpOption} of ${leases.files.join(", ")}`;
    return { state: "degraded", reason: `seeds by DHCP are on: ${seen}` };
  }

  async #expire(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock } = this.#parts;
    while (!signal.aborted) {
      for (const change of this.#roster.expire(clock.monotonicMs())) this.#tell(change);
      await clock.sleep(expireEveryMs, signal);
    }
  }

  #see(sighting: Sighting): void {
    this.#tell(this.#roster.see(sighting, this.#parts.clock.monotonicMs()));
  }

  #tell(change: RosterChange | null): void {
    if (change === null) return;
    if (!this.#hasRoomForEvent()) {
      this.#eventsLeftOut++;
      return;
    }
    const { nodeId, originator, sources, addresses } = change.peer;
    const peer = { nodeId, originator, sources, addresses: addresses.map((each) => each.address) };
    this.#parts.publish(
      change.kind === "appeared"
        ? { kind: "peer-appeared", peer }
        : { kind: "peer-gone", peer, reason: change.reason },
    );
  }

  /** A bucket that fills evenly. */
  #hasRoomForEvent(): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const gained = ((nowMs - this.#roomAtMs) * maxEventsPerMinute) / 60_000;
    this.#eventRoom = Math.min(maxEventsPerMinute, this.#eventRoom + gained);
    this.#roomAtMs = nowMs;
    if (this.#eventRoom < 1) return false;
    this.#eventRoom--;
    return true;
  }

  #self(): PeerClaim {
    // A reading that failed once is no change of what this node is.
    this.#originator = this.#parts.seen()?.tables.settings.originator ?? this.#originator;
    return {
      nodeId: this.#config.nodeId,
      clusterId: null,
      version: this.#parts.version,
      originator: this.#originator,
      httpPort: this.#parts.httpPort(),
      peerPort: null,
    };
  }

  #originators(): ReadonlySet<string> | null {
    const seen = this.#parts.seen();
    return seen === null ? null : new Set(seen.tables.paths.map(({ originator }) => originator));
  }

  /**
   * Nothing is multicast on a network that nobody has called a mesh: batman-adv has been seen on the
   * interface, or the configuration names it for this.
   */
  #mdnsInterface(): string | null {
    const { interface: meshInterface, discovery } = this.#config.mesh;
    if (discovery.interface !== "auto") return discovery.interface;
    this.#meshName = this.#parts.seen()?.tables.settings.name ?? this.#meshName;
    if (this.#meshName !== null) return this.#meshName;
    const isNamed = meshInterface !== "auto" && meshInterface !== "none";
    return discovery.mdns === "on" && isNamed ? meshInterface : null;
  }

  async #allSeeds(): Promise<readonly Seed[]> {
    const { seeds, dhcp, dhcpOption } = this.#config.mesh.discovery;
    const named: Seed[] = seeds.map((seed) => ({ ...seed, source: "seed" }));
    const on = dhcp === "off" ? null : this.#leaseInterface();
    if (on === null) return named;
    const wallMs = this.#parts.clock.wallMs();
    this.#leases = await this.#parts.readLeases({ interface: on, option: dhcpOption, wallMs });
    const known = new Set(named.map(writeHostPort));
    const leased = this.#leases.seeds.filter((seed) => !known.has(writeHostPort(seed)));
    return [...named, ...leased.map((seed): Seed => ({ ...seed, source: "dhcp" }))];
  }

  #leaseInterface(): string | null {
    const { interface: meshInterface, discovery } = this.#config.mesh;
    if (discovery.dhcp === "on" && discovery.interface === "auto" && meshInterface !== "auto") {
      return meshInterface;
    }
    return this.#mdnsInterface();
  }
}

function shownSeed({ host, port, source, outcome }: AskedSeed) {
  const detail =
    outcome.kind === "answers" ? outcome.nodeId : outcome.kind === "silent" ? outcome.reason : null;
  return { host, port, source, state: outcome.kind, detail };
}
