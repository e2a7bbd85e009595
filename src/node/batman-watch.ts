/**
 * The mesh section of the observation: batman-adv's tables, reduced to what the loop decides by. It
 * also knows which mesh interface is meant, and keeps the last tables for those who draw the mesh.
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
import type { MeshReading, Sensor } from "../mape-k/index.ts";
import { type BatmanPort, linkUsage, type MeshTables, PathHistory } from "../mesh/batman/index.ts";

export interface BatmanWatchOptions {
  /** A name, `auto` or `none`. */
  readonly meshInterface: string;
  /** Younger tables are used again: with batctl each reading is five processes. */
  readonly leastAgeMs: number;
}

/** How often a mesh interface is looked for while there is none. */
const lookAgainMs = 5_000;
/** A neighbour silent for so many originator intervals is no way around anything. */
const freshIntervals = 3;
const pathHistory = { maxPaths: 8_192, samples: 64, forgetAfterMs: 300_000 };

/** The last good reading. */
export interface SeenMesh {
  readonly tables: MeshTables;
  /** Monotonic. */
  readonly atMs: number;
}

export class BatmanWatch implements Sensor<MeshReading>, HealthSource {
  readonly component = "batman";
  readonly paths = new PathHistory(pathHistory);
  readonly #parts: {
    readonly clock: Clock;
    readonly port: BatmanPort;
    readonly isLoaded: () => boolean;
  };
  readonly #options: BatmanWatchOptions;
  #name: string | null = null;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #fault: Fault | null = null;
  #seen: SeenMesh | null = null;

  constructor(
    parts: {
      readonly clock: Clock;
      readonly port: BatmanPort;
      /** Is batman-adv in the kernel? Asked before anything that costs. */
      readonly isLoaded: () => boolean;
    },
    options: BatmanWatchOptions,
  ) {
    this.#parts = parts;
    this.#options = options;
  }

  async sample(signal: AbortSignal): Promise<Result<MeshReading, Fault>> {
    const seen = await this.#read(signal);
    this.#fault = seen.ok ? null : seen.fault;
    return seen.ok ? ok(this.#reading(seen.value)) : seen;
  }

  /** Null until the mesh was seen, and when it is not seen any more. */
  get seen(): SeenMesh | null {
    return this.#fault === null ? this.#seen : null;
  }

  /** The mesh interface in use; its actuators ask for it. */
  get meshInterface(): string | null {
    return this.#name;
  }

  async #read(signal: AbortSignal): Promise<Result<SeenMesh, Fault>> {
    const { clock, port } = this.#parts;
    const { leastAgeMs } = this.#options;
    const atMs = clock.monotonicMs();
    if (this.#fault === null && this.#seen !== null && atMs - this.#seen.atMs < leastAgeMs) {
      return ok(this.#seen);
    }
    const name = await this.#find(signal);
    if (!name.ok) return name;
    const tables = await port.readTables(name.value, signal);
    if (!tables.ok) {
      if (tables.fault.code === "E_NO_SUCH_MESH") this.#name = null;
      return tables;
    }
    this.paths.record(tables.value.paths, atMs);
    this.#seen = { tables: tables.value, atMs };
    return ok(this.#seen);
  }

  async #find(signal: AbortSignal): Promise<Result<string, Fault>> {
    const { clock, port, isLoaded } = this.#parts;
    const { meshInterface } = this.#options;
    if (meshInterface !== "auto") {
      this.#name = meshInterface;
      return ok(meshInterface);
    }
    if (this.#name !== null) return ok(this.#name);
    const now = clock.monotonicMs();
    if (this.#fault !== null && now - this.#lookedAtMs < lookAgainMs) return failed(this.#fault);
    this.#lookedAtMs = now;
    if (!isLoaded()) return failed(fault("E_NOT_SUPPORTED", "batman-adv is not loaded"));
    const found = await port.meshInterfaces(signal);
    if (!found.ok) return found;
    const [only, ...others] = found.value;
    if (only === undefined) {
      return failed(fault("E_NOT_SUPPORTED", "there is no batman-adv interface"));
    }
    if (others.length > 0) {
      const names = found.value.join(", ");
      const message = `there are several batman-adv interfaces: ${names}`;
      return failed(fault("E_MESH_AMBIGUOUS", message, "name one of them in mesh.interface"));
    }
    this.#name = only;
    return ok(only);
  }

  #reading({ tables, atMs }: SeenMesh): MeshReading {
    const { settings } = tables;
    const ageMs = this.#parts.clock.monotonicMs() - atMs;
    const freshMs = freshIntervals * settings.originatorIntervalMs;
    const links = linkUsage(tables, freshMs);
    return {
      name: settings.name,
      algorithm: settings.algorithm,
      originators: new Set(tables.paths.map(({ originator }) => originator)).size,
      pathSwitches: this.paths.totalSwitches,
      hopPenalty: settings.hopPenalty,
      originatorIntervalMs: settings.originatorIntervalMs,
      gatewayMode: settings.gateway.mode,
      interfaces: tables.hardInterfaces.map((each) => ({
        name: each.name,
        active: each.active,
        hopPenalty: each.hopPenalty,
        elpIntervalMs: each.elpIntervalMs,
        throughputOverrideKbps: each.throughputOverrideKbps,
      })),
      links: links.map((link) => ({ ...link, lastSeenMs: Math.round(link.lastSeenMs + ageMs) })),
      gateways: tables.gateways.map((each) => ({
        originator: each.originator,
        selected: each.selected,
        quality: each.quality,
        downKbps: each.downKbps,
        upKbps: each.upKbps,
      })),
    };
  }

  health(): Health {
    if (this.#fault !== null) {
      const { code, message: reason, remedy } = this.#fault;
      const state = code === "E_NOT_SUPPORTED" ? "ok" : "degraded";
      return remedy === undefined ? { state, reason } : { state, reason, remedy };
    }
    if (this.#seen === null) return healthy("not looked at yet");
    const { settings, neighbours, hardInterfaces } = this.#seen.tables;
    const on = hardInterfaces.map(({ name }) => name).join(", ") || "no interface";
    const heard = `${neighbours.length} neighbours on ${on}`;
    return healthy(
      `${settings.name} (${settings.algorithm}) by ${this.#parts.port.backEnd}: ${heard}`,
    );
  }
}
