/**
 * The configuration compiler: file, environment and flags in, one frozen `NodeConfig` out, or
 * every fault at once. Pure: what it needs of the machine (host name, working directory,
 * variables) it is handed. A later layer replaces values of an earlier one, but the earlier one
 * is checked all the same, so that removing a flag never uncovers a fault.
 */

import { resolve } from "node:path";
import { Ajv, type ErrorObject } from "ajv";
import { assert, failed, ok, type Result } from "../base/index.ts";
import {
  type ConfigFault,
  type ConfigFaults,
  type ConfigSource,
  type ConfigSources,
  configFault,
  showValue,
} from "./config-fault.ts";
import { ownKeywords, type WrittenConfig } from "./config-schema.ts";
import { crossChecks } from "./cross-checks.ts";
import { expectation } from "./expectation.ts";
import type { NodeConfig } from "./node-config.ts";
import { Normalizer, type Plain, type Written } from "./normalize.ts";
import { options, type SchemaNode, schemaRoot } from "./option-table.ts";
import type { RawNode } from "./raw-tree.ts";
import { type Environment, readEnvironment, readFlags } from "./read-environment.ts";
import { type ConfigFile, readYaml } from "./read-yaml.ts";
import { toNodeConfig } from "./to-node-config.ts";

export interface ConfigInput {
  readonly file?: ConfigFile;
  readonly environment: Environment;
  /** By name without dashes: `{ "data-dir": "/tmp/x" }`. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** The default node id. */
  readonly hostName: string;
  /** Relative directories count from here. */
  readonly workingDirectory: string;
}

export interface CompiledConfig {
  readonly config: NodeConfig;
  /** Every option's path, defaults included. */
  readonly sources: ConfigSources;
  /** Every option's path with its value, in the program's units. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** More faults than this are not listed one by one. */
const maxFaults = 100;

// Ajv and not TypeBox's own compiler: it is loaded for the HTTP face anyway, starts in a fifth
// of the time, and reports failures as data (keyword and path) rather than as sentences.
const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
for (const keyword of ownKeywords) ajv.addKeyword(keyword);

/**
 * The schema of one layer. It may leave out any option; an item of a list must have what has no
 * default. This is also what an editor should hold meshmend.yaml against.
 */
function layerOf(schema: SchemaNode, isItem = false): SchemaNode {
  if (schema.items !== undefined) return { ...schema, items: layerOf(schema.items, true) };
  if (schema.properties === undefined) return schema;
  const entries = Object.entries(schema.properties);
  const needed = entries.filter(([, child]) => isItem && !hasDefault(child)).map(([key]) => key);
  const properties = Object.fromEntries(entries.map(([key, child]) => [key, layerOf(child)]));
  return { ...schema, properties, required: needed };
}

const hasDefault = ({ default: preset, computedDefault }: SchemaNode): boolean =>
  preset !== undefined || computedDefault !== undefined;

/** What meshmend.yaml is held against once its notation is read. */
const layerFits = ajv.compile(layerOf(schemaRoot));
const isComplete = ajv.compile<WrittenConfig>(schemaRoot);

export function compileConfig(input: ConfigInput): Result<CompiledConfig, ConfigFaults> {
  const file = input.file === undefined ? { root: null, faults: [] } : readYaml(input.file);
  const environment = readEnvironment(input.environment);
  const flags = readFlags(input.flags);
  const faults = [...file.faults, ...environment.faults, ...flags.faults];
  const roots = [...(file.root === null ? [] : [file.root]), ...environment.roots, ...flags.roots];
  const merged: Record<string, Plain> = {};
  const written = new Map<string, Written>();
  for (const root of roots) {
    const layer = readLayer(root, faults);
    for (const [path, each] of layer.written) written.set(path, each);
    merge(merged, layer.plain);
  }
  if (faults.length > 0) return failed(bounded(faults));
  addDefaults(schemaRoot, merged, machineDefaults(input));
  if (!isComplete(merged)) return failed(bounded(completenessFaults(merged, input)));
  const conflicts = crossChecks(merged, (path) => written.get(path)?.source ?? { kind: "default" });
  if (conflicts.length > 0) return failed(bounded(conflicts));
  const config = deepFreeze(toNodeConfig(merged, input.workingDirectory));
  const values = { ...valuesOf(merged), dataDir: config.dataDir };
  return ok({ config, sources: sourcesOf(written), values });
}

function valuesOf(merged: PlainSection): Record<string, unknown> {
  const valueAt = (keys: readonly string[]): unknown => {
    let value: Plain | undefined = merged;
    for (const key of keys) value = isSection(value) ? value[key] : undefined;
    return value;
  };
  return Object.fromEntries(options.map(({ path, keys }) => [path, valueAt(keys)]));
}

function readLayer(root: RawNode, faults: ConfigFault[]) {
  const normalizer = new Normalizer();
  const plain = normalizer.normalize(schemaRoot, root, "");
  faults.push(...normalizer.faults);
  const layer = typeof plain === "object" && plain !== null && !Array.isArray(plain) ? plain : {};
  if (!layerFits(layer)) faults.push(...schemaFaults(layerFits.errors ?? [], normalizer));
  return { plain: layer, written: normalizer.written };
}

/** One fault per option: a value outside its range may break several keywords. */
function schemaFaults(errors: readonly ErrorObject[], { written, faults }: Normalizer) {
  const told = new Set(faults.map((each) => each.path));
  const found: ConfigFault[] = [];
  for (const error of errors) {
    const missing = error.keyword === "required" ? `.${error.params["missingProperty"]}` : "";
    const path = optionPath(error.instancePath) + missing;
    if (told.has(path)) continue;
    told.add(path);
    const at = written.get(path) ?? written.get(optionPath(error.instancePath));
    found.push(
      configFault("E_CONFIG_VALUE", {
        path,
        source: at?.source ?? { kind: "default" },
        expected: expectation(schemaAt(path)),
        seen: missing === "" ? showValue(at?.value) : "nothing",
      }),
    );
  }
  return found;
}

/** `/targets/0/url` as it is written: `targets[0].url`. */
function optionPath(pointer: string): string {
  return pointer
    .slice(1)
    .replaceAll(/\/(\d+)(?=\/|$)/g, "[$1]")
    .replaceAll("/", ".");
}

function schemaAt(path: string): SchemaNode {
  let schema: SchemaNode = schemaRoot;
  for (const key of path.split(/\.|(?=\[)/)) {
    const next = key.startsWith("[") ? schema.items : schema.properties?.[key];
    assert(next !== undefined, `an option at ${path}`);
    schema = next;
  }
  return schema;
}

type PlainSection = { [key: string]: Plain };

const isSection = (value: Plain | undefined): value is PlainSection =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Sections are merged; scalars and lists are replaced. */
function merge(into: PlainSection, from: PlainSection): void {
  for (const [key, value] of Object.entries(from)) {
    const existing = into[key];
    if (isSection(value) && isSection(existing)) merge(existing, value);
    else into[key] = value;
  }
}

function machineDefaults({ environment, hostName, workingDirectory }: ConfigInput): PlainSection {
  // systemd lists all state directories of a unit, separated by colons; ours has one.
  const stateDirectory = environment["STATE_DIRECTORY"]?.split(":")[0] ?? "";
  return {
    nodeId: hostName,
    dataDir: stateDirectory === "" ? resolve(workingDirectory, ".meshmend") : stateDirectory,
  };
}

function addDefaults(schema: SchemaNode, into: PlainSection, machine: PlainSection): void {
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    if (child.properties !== undefined) into[key] ??= {};
    else into[key] ??= machine[key] ?? (structuredClone(child.default) as Plain);
    const value = into[key];
    if (isSection(value)) addDefaults(child, value, {});
    if (!Array.isArray(value)) continue;
    for (const item of value) {
      if (isSection(item)) addDefaults(child.items ?? {}, item, { name: item["url"] ?? null });
    }
  }
}

/** Only a default taken from the machine can be wrong here: a host name that is no node id. */
function completenessFaults(merged: PlainSection, { hostName }: ConfigInput): ConfigFault[] {
  const errors = isComplete.errors ?? [];
  const only = errors.every((error) => error.instancePath === "/nodeId");
  assert(only && merged["nodeId"] === hostName, `defaults that fit: ${ajv.errorsText(errors)}`);
  return [
    configFault("E_CONFIG_VALUE", {
      path: "nodeId",
      source: { kind: "default" },
      expected: expectation(schemaAt("nodeId")),
      seen: `the host name ${showValue(hostName)}`,
      remedy: "set nodeId, MESHMEND_NODE_ID or --node-id",
    }),
  ];
}

function bounded(faults: readonly ConfigFault[]): ConfigFaults {
  const [first, ...rest] = faults.toSorted(inFileOrder).slice(0, maxFaults);
  assert(first !== undefined, "a fault when a configuration is refused");
  if (faults.length <= maxFaults) return [first, ...rest];
  const seen = `${faults.length}`;
  const parts = { path: "", source: first.source, expected: `at most ${maxFaults} faults`, seen };
  return [first, ...rest, configFault("E_CONFIG_LIMIT", parts)];
}

/** As somebody walks through them: down the file, then the environment, then the flags. */
function inFileOrder({ source: a }: ConfigFault, { source: b }: ConfigFault): number {
  const order = ["file", "environment", "flag", "default"];
  if (a.kind !== "file" || b.kind !== "file") return order.indexOf(a.kind) - order.indexOf(b.kind);
  return a.line - b.line || a.column - b.column;
}

function sourcesOf(written: ReadonlyMap<string, Written>): ConfigSources {
  const sources: Record<string, ConfigSource> = {};
  for (const { path } of options) sources[path] = written.get(path)?.source ?? { kind: "default" };
  return deepFreeze(sources);
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const each of Object.values(value)) {
    if (typeof each === "object" && each !== null) deepFreeze(each);
  }
  return Object.freeze(value);
}
