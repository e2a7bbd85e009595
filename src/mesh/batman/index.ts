/** batman-adv's one door: its tables, its settings, and what they mean. */

export {
  type Applied,
  type ApplyFault,
  applySetting,
  describeSetting,
  interfaceSettings,
  readSetting,
} from "./apply-setting.ts";
export type { BatmanFault, BatmanFaultCode, BatmanPort, Setting } from "./batman-port.ts";
export { type LinkUsage, linkUsage } from "./link-usage.ts";
export { type MacAddress, parseMacAddress } from "./mac-address.ts";
export { nodeView } from "./node-view.ts";
export { PathHistory, type PathHistoryOptions } from "./path-history.ts";
export type {
  Gateway,
  GatewayMode,
  GlobalTranslation,
  HardInterface,
  MeshSettings,
  MeshState,
  MeshTables,
  Neighbour,
  Path,
  Quality,
  RoutingAlgorithm,
  Translation,
  Translations,
} from "./tables.ts";
