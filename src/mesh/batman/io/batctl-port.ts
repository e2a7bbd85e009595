/**
 * batman-adv through `batctl` and its JSON: what is left where the native addon is not built. It
 * knows batctl's words for what the kernel refused, and that batctl serves nobody but root.
 */

import { failed, fault, ok, type Result } from "../../../base/index.ts";
import type { BatmanFault, BatmanPort, Setting } from "../batman-port.ts";
import { jsonRows } from "../json-attributes.ts";
import { settingArguments } from "../setting-values.ts";
import {
  oddRow,
  type RowReader,
  readGateway,
  readGlobalTranslation,
  readHardInterface,
  readLocalTranslation,
  readMeshSettings,
  readNeighbour,
  readPath,
  readRows,
} from "../table-reader.ts";
import type { MeshSettings, MeshState, MeshTables, Translations } from "../tables.ts";

/** Runs one command to its end: no shell, bounded output and time. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  signal: AbortSignal,
) => Promise<
  Result<
    {
      /** Null when a signal ended it. */
      readonly exitCode: number | null;
      readonly stdout: string;
      readonly stderr: string;
      /** The output was longer than what was kept. */
      readonly truncated: boolean;
    },
    { readonly code: string; readonly message: string }
  >
>;

export class BatctlBatmanPort implements BatmanPort {
  readonly backEnd = "batctl";
  readonly #run: RunCommand;

  constructor(parts: { readonly run: RunCommand }) {
    this.#run = parts.run;
  }

  async meshInterfaces(signal: AbortSignal): Promise<Result<readonly string[], BatmanFault>> {
    const listed = await this.#output("ip", ["-o", "link", "show", "type", "batadv"], signal);
    // iproute2 knows the kind or not; a busybox without it says so with a usage text.
    if (!listed.ok) return listed;
    const names = listed.value.matchAll(/^\d+: ([^:@]+)[:@]/gm);
    return ok(Array.from(names, ([, name]) => name ?? ""));
  }

  async readState(mesh: string, signal: AbortSignal): Promise<Result<MeshState, BatmanFault>> {
    const [settings, hardInterfaces] = await Promise.all([
      this.#settings(mesh, signal),
      this.#table(mesh, "hj", "hard interfaces", readHardInterface, signal),
    ]);
    if (!settings.ok) return settings;
    if (!hardInterfaces.ok) return hardInterfaces;
    return ok({ settings: settings.value, hardInterfaces: hardInterfaces.value });
  }

  async readTables(mesh: string, signal: AbortSignal): Promise<Result<MeshTables, BatmanFault>> {
    const [state, neighbours, paths, gateways] = await Promise.all([
      this.readState(mesh, signal),
      this.#table(mesh, "nj", "neighbours", readNeighbour, signal),
      this.#table(mesh, "oj", "originators", readPath, signal),
      this.#table(mesh, "gwj", "gateways", readGateway, signal),
    ]);
    if (!state.ok) return state;
    if (!neighbours.ok) return neighbours;
    if (!paths.ok) return paths;
    if (!gateways.ok) return gateways;
    return ok({
      ...state.value,
      neighbours: neighbours.value,
      paths: paths.value,
      gateways: gateways.value,
    });
  }

  async readTranslations(
    mesh: string,
    signal: AbortSignal,
  ): Promise<Result<Translations, BatmanFault>> {
    const [local, global] = await Promise.all([
      this.#table(mesh, "tlj", "clients", readLocalTranslation, signal),
      this.#table(mesh, "tgj", "clients", readGlobalTranslation, signal),
    ]);
    if (!local.ok) return local;
    return global.ok ? ok({ local: local.value, global: global.value }) : global;
  }

  async set(
    mesh: string,
    setting: Setting,
    signal: AbortSignal,
  ): Promise<Result<void, BatmanFault>> {
    const state = await this.readState(mesh, signal);
    if (!state.ok) return state;
    const { settings, hardInterfaces } = state.value;
    if ("interface" in setting) {
      const isMember = hardInterfaces.some(({ name }) => name === setting.interface);
      if (setting.kind === "membership" && setting.member === isMember) return ok(undefined);
      if (setting.kind !== "membership" && !isMember) {
        const message = `${setting.interface} is no interface of ${mesh}`;
        return failed(fault("E_NO_SUCH_INTERFACE", message));
      }
    }
    const args = settingArguments(setting, mesh, settings.algorithm);
    const set = await this.#output("batctl", args, signal);
    return set.ok ? ok(undefined) : set;
  }

  async #settings(mesh: string, signal: AbortSignal): Promise<Result<MeshSettings, BatmanFault>> {
    const rows = await this.#table(mesh, "mj", "settings", readMeshSettings, signal);
    if (!rows.ok) return rows;
    const [settings] = rows.value;
    return settings === undefined ? failed(oddRow("settings")) : ok(settings);
  }

  async #table<Row>(
    mesh: string,
    query: "mj" | "hj" | "nj" | "oj" | "gwj" | "tlj" | "tgj",
    table: string,
    read: RowReader<Row>,
    signal: AbortSignal,
  ): Promise<Result<readonly Row[], BatmanFault>> {
    const output = await this.#output("batctl", ["meshif", mesh, query], signal);
    if (!output.ok) return output;
    const rows = jsonRows(output.value);
    return rows.ok ? readRows(table, rows.value, read) : rows;
  }

  async #output(
    command: "batctl" | "ip",
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<Result<string, BatmanFault>> {
    const end = await this.#run(command, args, signal);
    if (!end.ok) return failed(commandFault(end.fault));
    const { exitCode, stdout, stderr, truncated } = end.value;
    if (truncated) {
      const message = `batctl ${args.join(" ")} printed more than is read`;
      return failed(fault("E_BATMAN_TABLE_TOO_LARGE", message));
    }
    if (exitCode === 0) return ok(stdout);
    return failed(refusal(`${command} ${args.join(" ")}`, stderr || stdout));
  }
}

function commandFault({ code, message }: { code: string; message: string }): BatmanFault {
  switch (code) {
    case "E_NO_COMMAND":
      return fault("E_NO_COMMAND", message, "install batctl (2021.1 or later)");
    case "E_COMMAND_ABORTED":
      return fault("E_BATMAN_TIMEOUT", message);
    default:
      return fault("E_BATMAN_FAILED", message);
  }
}

/** What batctl says; it ends with 1 whatever was wrong. */
function refusal(command: string, output: string): BatmanFault {
  const said = output.trim().split("\n")[0] ?? "";
  if (/must be root|not permitted|permission denied/i.test(said)) {
    const message = `${command} needs CAP_NET_ADMIN, and batctl serves only root: ${said}`;
    const remedy = "build the native addon, which is content with CAP_NET_ADMIN, or run as root";
    return fault("E_NOT_PERMITTED", message, remedy);
  }
  if (/module (has not been|not) loaded|Failed to resolve genl family/i.test(said)) {
    return fault("E_BATMAN_NOT_LOADED", "batman-adv is not loaded", "modprobe batman-adv");
  }
  if (/not present or not a batman-adv interface/.test(said)) {
    return fault("E_NO_SUCH_MESH", said.replace(/^Error - /, ""));
  }
  if (/No such device|invalid hardif|does not exist|not attached/i.test(said)) {
    return fault("E_NO_SUCH_INTERFACE", said.replace(/^Error - /, ""));
  }
  return fault("E_BATMAN_FAILED", `${command}: ${said}`);
}
