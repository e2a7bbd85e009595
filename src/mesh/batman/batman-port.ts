/**
 * The port to batman-adv: reads its tables, changes its settings. Netlink and batctl stand behind
 * it; test/compliance/batman-port.ts says what both must do.
 */

import type { Fault, Result } from "../../base/index.ts";
import type { GatewayMode, MeshState, MeshTables, Translations } from "./tables.ts";

export type BatmanFaultCode =
  /** The kernel has no batman-adv, or it is not loaded. */
  | "E_BATMAN_NOT_LOADED"
  /** There is no mesh interface of that name. */
  | "E_NO_SUCH_MESH"
  /** The interface does not exist or is not part of this mesh. */
  | "E_NO_SUCH_INTERFACE"
  /** The fault's remedy names the capability. */
  | "E_NOT_PERMITTED"
  /** The tool it needs is not installed. */
  | "E_NO_COMMAND"
  /** A value outside of what batman-adv takes. */
  | "E_INVALID_SETTING"
  | "E_BATMAN_MALFORMED"
  /** More rows than anybody's mesh has; nothing was read. */
  | "E_BATMAN_TABLE_TOO_LARGE"
  | "E_BATMAN_TIMEOUT"
  | "E_BATMAN_FAILED";

export type BatmanFault = Fault<BatmanFaultCode>;

/** One change. Each is idempotent, and `presentSetting` reads it back in the same form. */
export type Setting =
  /** In steps of 100 kbit/s; 0 takes the override away. */
  | {
      readonly kind: "throughput-override";
      readonly interface: string;
      readonly throughputKbps: number;
    }
  | {
      readonly kind: "interface-hop-penalty";
      readonly interface: string;
      readonly hopPenalty: number;
    }
  | { readonly kind: "elp-interval"; readonly interface: string; readonly intervalMs: number }
  | { readonly kind: "mesh-hop-penalty"; readonly hopPenalty: number }
  | { readonly kind: "originator-interval"; readonly intervalMs: number }
  | { readonly kind: "gateway-mode"; readonly gateway: GatewayMode }
  /** Whether the interface belongs to the mesh. One that leaves loses its settings. */
  | { readonly kind: "membership"; readonly interface: string; readonly member: boolean };

export interface BatmanPort {
  readonly backEnd: "netlink" | "batctl";
  /** Names of the mesh interfaces here; none without batman-adv. */
  meshInterfaces(signal: AbortSignal): Promise<Result<readonly string[], BatmanFault>>;
  /** Settings and hard interfaces only: cheap. */
  readState(meshInterface: string, signal: AbortSignal): Promise<Result<MeshState, BatmanFault>>;
  readTables(meshInterface: string, signal: AbortSignal): Promise<Result<MeshTables, BatmanFault>>;
  readTranslations(
    meshInterface: string,
    signal: AbortSignal,
  ): Promise<Result<Translations, BatmanFault>>;
  /** Asks the kernel; whether it took it, only reading tells: see `applySetting`. */
  set(
    meshInterface: string,
    setting: Setting,
    signal: AbortSignal,
  ): Promise<Result<void, BatmanFault>>;
}
