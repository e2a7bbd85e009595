/** batman-adv's one door: its tables, its settings, and what they mean. */

export {
  type ApplyFault,
  applySetting,
  interfaceSettings,
  readSetting,
} from "./apply-setting.ts";
export type { BatmanPort, Setting } from "./batman-port.ts";
export { linkUsage } from "./link-usage.ts";
export type { MacAddress } from "./mac-address.ts";
export { nodeView } from "./node-view.ts";
export { PathHistory } from "./path-history.ts";
export type {
  HardInterface,
  MeshTables,
  Neighbour,
  Path,
} from "./tables.ts";
