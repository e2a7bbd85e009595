/** Tables of batman-adv with every part filled in; a test names only what matters to it. */

import { ok } from "../../../../src/base/index.ts";
import type {
  BatmanPort,
  HardInterface,
  MacAddress,
  MeshTables,
  Neighbour,
  Path,
  Setting,
} from "../../../../src/mesh/batman/index.ts";

export const mac = (n: number) => `02:00:00:00:00:${n.toString(16).padStart(2, "0")}` as MacAddress;

export function hardInterface(of: Partial<HardInterface> = {}): HardInterface {
  return {
    name: "wlan0",
    index: 2,
    address: mac(1),
    active: true,
    hopPenalty: 0,
    elpIntervalMs: 500,
    throughputOverrideKbps: 0,
    ...of,
  };
}

export function neighbour(address: number, on: string, of: Partial<Neighbour> = {}): Neighbour {
  return { address: mac(address), interface: on, lastSeenMs: 100, quality: null, ...of };
}

export function path(
  originator: number,
  via: number,
  on: string,
  quality: number,
  best = false,
): Path {
  return {
    originator: mac(originator),
    neighbour: mac(via),
    interface: on,
    quality,
    lastSeenMs: 100,
    best,
  };
}

export function meshTables(of: Partial<MeshTables> = {}): MeshTables {
  return {
    settings: {
      name: "bat0",
      index: 9,
      algorithm: "BATMAN_V",
      moduleVersion: "2022.3",
      address: mac(255),
      originator: mac(1),
      gateway: { mode: "off" },
      hopPenalty: 30,
      originatorIntervalMs: 1_000,
    },
    hardInterfaces: [hardInterface()],
    neighbours: [],
    paths: [],
    gateways: [],
    ...of,
  };
}

/** A batman-adv in memory: it takes what is set, unless `deaf`. */
export class MemoryBatman implements BatmanPort {
  readonly backEnd = "netlink";
  readonly sets: Setting[] = [];
  tables: MeshTables;
  deaf = false;

  constructor(tables: MeshTables) {
    this.tables = tables;
  }

  meshInterfaces: BatmanPort["meshInterfaces"] = async () => ok([this.tables.settings.name]);
  readState: BatmanPort["readState"] = async () => ok(this.tables);
  readTables: BatmanPort["readTables"] = async () => ok(this.tables);
  readTranslations = async () => ok({ local: [], global: [] });

  async set(_mesh: string, setting: Setting) {
    this.sets.push(setting);
    if (!this.deaf) this.tables = this.#with(setting);
    return ok(undefined);
  }

  #with(setting: Setting): MeshTables {
    const { settings, hardInterfaces } = this.tables;
    const onInterface = (name: string, change: Partial<HardInterface>) => ({
      ...this.tables,
      hardInterfaces: hardInterfaces.map((each) =>
        each.name === name ? { ...each, ...change } : each,
      ),
    });
    switch (setting.kind) {
      case "throughput-override":
        return onInterface(setting.interface, { throughputOverrideKbps: setting.throughputKbps });
      case "interface-hop-penalty":
        return onInterface(setting.interface, { hopPenalty: setting.hopPenalty });
      case "elp-interval":
        return onInterface(setting.interface, { elpIntervalMs: setting.intervalMs });
      case "mesh-hop-penalty":
        return { ...this.tables, settings: { ...settings, hopPenalty: setting.hopPenalty } };
      case "originator-interval": {
        const originatorIntervalMs = setting.intervalMs;
        return { ...this.tables, settings: { ...settings, originatorIntervalMs } };
      }
      case "gateway-mode":
        return { ...this.tables, settings: { ...settings, gateway: setting.gateway } };
      case "membership": {
        const others = hardInterfaces.filter(({ name }) => name !== setting.interface);
        const joined = hardInterface({ name: setting.interface });
        return { ...this.tables, hardInterfaces: setting.member ? [...others, joined] : others };
      }
    }
  }
}
