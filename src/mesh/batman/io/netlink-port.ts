/**
 * batman-adv through its generic netlink family, by the native addon. It keeps the index of the mesh
 * interface, and notices when that belongs to another one by now.
 */

import { failed, fault, ok, type Result } from "../../../base/index.ts";
import { commands } from "../attributes.ts";
import type { BatmanFault, BatmanPort, Setting } from "../batman-port.ts";
import { MacAddressBook } from "../mac-address-book.ts";
import { encodeAttributes, NetlinkRows, type NetlinkValue } from "../netlink-attributes.ts";
import { settingValues } from "../setting-values.ts";
import {
  maxRows,
  oddRow,
  type RowReader,
  readGateway,
  readGlobalTranslation,
  readHardInterface,
  readLocalTranslation,
  readMeshSettings,
  readNeighbour,
  readPath,
  tooManyRows,
} from "../table-reader.ts";
import type {
  HardInterface,
  MeshSettings,
  MeshState,
  MeshTables,
  Translations,
} from "../tables.ts";

interface NetlinkError {
  /** `EPERM`, `ENODEV`, ... */
  readonly name: string;
  readonly operation: string;
  readonly message: string;
  readonly missingCapabilities: readonly string[];
}

type NetlinkResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: NetlinkError };

interface NetlinkLink {
  readonly index: number;
  readonly name: string;
  /** `batadv` for a mesh interface. */
  readonly kind: string;
  readonly masterIndex: number;
}

/** What this needs of the native addon; its contract fits by structure. */
export interface BatadvNetlink {
  batadvRequest(
    command: number,
    dump: boolean,
    attributes: Uint8Array,
  ): Promise<NetlinkResult<Uint8Array>>;
  rtnlDump(what: "links"): Promise<NetlinkResult<{ readonly links: readonly NetlinkLink[] }>>;
  rtnlSetLink(
    ifindex: number,
    what: "master",
    value: number,
  ): Promise<NetlinkResult<{ readonly links: readonly NetlinkLink[] }>>;
}

/** As RTM_NEWLINK names it (IFLA_INFO_KIND). */
const meshKind = "batadv";

export class NetlinkBatmanPort implements BatmanPort {
  readonly backEnd = "netlink";
  readonly #netlink: BatadvNetlink;
  readonly #indexes = new Map<string, number>();
  readonly #addresses = new MacAddressBook();

  constructor(parts: { readonly netlink: BatadvNetlink }) {
    this.#netlink = parts.netlink;
  }

  async meshInterfaces(): Promise<Result<readonly string[], BatmanFault>> {
    const links = await this.#links();
    if (!links.ok) return links;
    return ok(links.value.filter(({ kind }) => kind === meshKind).map(({ name }) => name));
  }

  async readState(
    meshInterface: string,
    signal: AbortSignal,
  ): Promise<Result<MeshState, BatmanFault>> {
    const settings = await this.#settings(meshInterface, signal);
    if (!settings.ok) return settings;
    const hardInterfaces = await this.#hardInterfaces(settings.value, signal);
    if (!hardInterfaces.ok) return hardInterfaces;
    return ok({ settings: settings.value, hardInterfaces: hardInterfaces.value });
  }

  async readTables(
    meshInterface: string,
    signal: AbortSignal,
  ): Promise<Result<MeshTables, BatmanFault>> {
    const settings = await this.#settings(meshInterface, signal);
    if (!settings.ok) return settings;
    const { index } = settings.value;
    const [hardInterfaces, neighbours, paths, gateways] = await Promise.all([
      this.#hardInterfaces(settings.value, signal),
      this.#dump("neighbours", commands.getNeighbours, index, readNeighbour, signal),
      this.#dump("originators", commands.getOriginators, index, readPath, signal),
      this.#dump("gateways", commands.getGateways, index, readGateway, signal),
    ]);
    if (!hardInterfaces.ok) return hardInterfaces;
    if (!neighbours.ok) return neighbours;
    if (!paths.ok) return paths;
    if (!gateways.ok) return gateways;
    return ok({
      settings: settings.value,
      hardInterfaces: hardInterfaces.value,
      neighbours: neighbours.value,
      paths: paths.value,
      gateways: gateways.value,
    });
  }

  async readTranslations(
    meshInterface: string,
    signal: AbortSignal,
  ): Promise<Result<Translations, BatmanFault>> {
    const settings = await this.#settings(meshInterface, signal);
    if (!settings.ok) return settings;
    const { index } = settings.value;
    const [local, global] = await Promise.all([
      this.#dump("clients", commands.getLocalTranslations, index, readLocalTranslation, signal),
      this.#dump("clients", commands.getGlobalTranslations, index, readGlobalTranslation, signal),
    ]);
    if (!local.ok) return local;
    return global.ok ? ok({ local: local.value, global: global.value }) : global;
  }

  async set(
    meshInterface: string,
    setting: Setting,
    signal: AbortSignal,
  ): Promise<Result<void, BatmanFault>> {
    if (setting.kind === "membership") {
      return this.#setMembership(meshInterface, setting.interface, setting.member);
    }
    const state = await this.readState(meshInterface, signal);
    if (!state.ok) return state;
    const mesh: NetlinkValue = { name: "mesh_ifindex", uint32: state.value.settings.index };
    if (!("interface" in setting)) {
      const values = [mesh, ...settingValues(setting)];
      return this.#change(commands.setMesh, values, meshInterface, signal);
    }
    const on = state.value.hardInterfaces.find(({ name }) => name === setting.interface);
    if (on === undefined) return failed(notInMesh(setting.interface, meshInterface));
    const hard: NetlinkValue = { name: "hard_ifindex", uint32: on.index };
    const values = [mesh, hard, ...settingValues(setting)];
    return this.#change(commands.setHardInterface, values, setting.interface, signal);
  }

  async #change(
    command: number,
    values: readonly NetlinkValue[],
    what: string,
    signal: AbortSignal,
  ): Promise<Result<void, BatmanFault>> {
    if (signal.aborted) return failed(stopped());
    const changed = await this.#netlink.batadvRequest(command, false, encodeAttributes(values));
    return changed.ok ? ok(undefined) : failed(netlinkFault(changed.error, what));
  }

  async #setMembership(
    meshInterface: string,
    name: string,
    member: boolean,
  ): Promise<Result<void, BatmanFault>> {
    const links = await this.#links();
    if (!links.ok) return links;
    const mesh = links.value.find((link) => link.name === meshInterface && link.kind === meshKind);
    if (mesh === undefined) return failed(noSuchMesh(meshInterface));
    const link = links.value.find((candidate) => candidate.name === name);
    if (link === undefined) return failed(notInMesh(name, meshInterface));
    if ((link.masterIndex === mesh.index) === member) return ok(undefined);
    if (link.masterIndex !== 0 && link.masterIndex !== mesh.index) {
      const master = links.value.find(({ index }) => index === link.masterIndex)?.name;
      const message = `${name} belongs to ${master ?? "another interface"}, not to ${meshInterface}`;
      return failed(fault("E_NO_SUCH_INTERFACE", message));
    }
    const set = await this.#netlink.rtnlSetLink(link.index, "master", member ? mesh.index : 0);
    return set.ok ? ok(undefined) : failed(netlinkFault(set.error, name));
  }

  async #links(): Promise<Result<readonly NetlinkLink[], BatmanFault>> {
    const dump = await this.#netlink.rtnlDump("links");
    return dump.ok ? ok(dump.value.links) : failed(netlinkFault(dump.error, "the interfaces"));
  }

  /** A kept index may be another interface's by now: then it is looked up anew, once. */
  async #settings(
    meshInterface: string,
    signal: AbortSignal,
  ): Promise<Result<MeshSettings, BatmanFault>> {
    const kept = this.#indexes.get(meshInterface);
    if (kept !== undefined) {
      const found = await this.#settingsOf(kept, meshInterface, signal);
      if (found.ok && found.value.name === meshInterface) return found;
      this.#indexes.delete(meshInterface);
    }
    const links = await this.#links();
    if (!links.ok) return links;
    const link = links.value.find(({ name, kind }) => name === meshInterface && kind === meshKind);
    if (link === undefined) return failed(noSuchMesh(meshInterface));
    const found = await this.#settingsOf(link.index, meshInterface, signal);
    if (found.ok) this.#indexes.set(meshInterface, link.index);
    return found;
  }

  async #settingsOf(
    index: number,
    meshInterface: string,
    signal: AbortSignal,
  ): Promise<Result<MeshSettings, BatmanFault>> {
    if (signal.aborted) return failed(stopped());
    const attributes = encodeAttributes([{ name: "mesh_ifindex", uint32: index }]);
    const answer = await this.#netlink.batadvRequest(commands.getMesh, false, attributes);
    if (!answer.ok) return failed(netlinkFault(answer.error, meshInterface));
    const cursor = new NetlinkRows(answer.value, this.#addresses);
    const rows = decodeRows("settings", cursor, readMeshSettings);
    if (!rows.ok) return rows;
    const [settings] = rows.value;
    return settings === undefined ? failed(oddRow("settings")) : ok(settings);
  }

  #hardInterfaces(
    { index }: MeshSettings,
    signal: AbortSignal,
  ): Promise<Result<readonly HardInterface[], BatmanFault>> {
    const command = commands.getHardInterfaces;
    return this.#dump("hard interfaces", command, index, readHardInterface, signal);
  }

  async #dump<Row>(
    table: string,
    command: number,
    meshIndex: number,
    read: RowReader<Row>,
    signal: AbortSignal,
  ): Promise<Result<readonly Row[], BatmanFault>> {
    if (signal.aborted) return failed(stopped());
    const attributes = encodeAttributes([{ name: "mesh_ifindex", uint32: meshIndex }]);
    const answer = await this.#netlink.batadvRequest(command, true, attributes);
    if (!answer.ok) return failed(netlinkFault(answer.error, table));
    return decodeRows(table, new NetlinkRows(answer.value, this.#addresses), read);
  }
}

function decodeRows<Row>(
  table: string,
  rows: NetlinkRows,
  read: RowReader<Row>,
): Result<readonly Row[], BatmanFault> {
  const found: Row[] = [];
  for (;;) {
    const more = rows.next();
    if (!more.ok) return more;
    if (!more.value) return ok(found);
    if (found.length === maxRows) return failed(tooManyRows(table));
    const row = read(rows);
    if (row === null) return failed(oddRow(table));
    found.push(row);
  }
}

function netlinkFault(error: NetlinkError, what: string): BatmanFault {
  const said = `${what}: ${error.message}`;
  if (error.operation === "batadvFamily" && error.name === "ENOENT") {
    return fault("E_BATMAN_NOT_LOADED", "batman-adv is not loaded", "modprobe batman-adv");
  }
  switch (error.name) {
    case "EPERM":
    case "EACCES": {
      const needs = error.missingCapabilities.join(", ") || "CAP_NET_ADMIN";
      const remedy = `run as root, or give the service AmbientCapabilities=${needs}`;
      return fault("E_NOT_PERMITTED", `${said} (needs ${needs})`, remedy);
    }
    case "ENODEV":
    case "ENXIO":
      return fault("E_NO_SUCH_INTERFACE", said);
    case "EINVAL":
    case "ERANGE":
      return fault("E_INVALID_SETTING", said);
    case "ETIMEDOUT":
      return fault("E_BATMAN_TIMEOUT", said);
    default:
      return fault("E_BATMAN_FAILED", said);
  }
}

function noSuchMesh(name: string): BatmanFault {
  return fault("E_NO_SUCH_MESH", `there is no batman-adv interface ${name}`);
}

function notInMesh(name: string, meshInterface: string): BatmanFault {
  return fault("E_NO_SUCH_INTERFACE", `${name} is no interface of ${meshInterface}`);
}

function stopped(): BatmanFault {
  return fault("E_BATMAN_TIMEOUT", "stopped before batman-adv was asked");
}
