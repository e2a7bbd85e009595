/** One frozen, validated configuration, from file, environment and flags. */

export { describeSource, formatConfigFault } from "./config-fault.ts";
export { configReference } from "./config-reference.ts";
export { editorSchema } from "./editor-schema.ts";
export { writeValue } from "./expectation.ts";
export { readConfigFile } from "./io/read-config-file.ts";
export { type CompiledConfig, type ConfigInput, compileConfig } from "./load-config.ts";
export { nearestName } from "./nearest-name.ts";
export type { HostPort, NodeConfig } from "./node-config.ts";
export { writeHostPort } from "./notation.ts";
export { options, placeInFile } from "./option-table.ts";
