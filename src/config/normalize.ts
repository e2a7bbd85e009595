/**
 * A raw tree becomes plain values in the program's units. Here the structure and the notation
 * are checked (does the option exist, is this a duration at all); ranges and choices are the
 * schema's, checked afterwards on the plain values.
 */

import { type ConfigFault, type ConfigSource, configFault, showValue } from "./config-fault.ts";
import { expectation } from "./expectation.ts";
import { nearestName } from "./nearest-name.ts";
import { isProbeUrl, readDurationMs, readHostPort, readRatio, readSizeBytes } from "./notation.ts";
import { options, type SchemaNode } from "./option-table.ts";
import { type RawNode, rawValue } from "./raw-tree.ts";

export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

export interface Written {
  readonly source: ConfigSource;
  readonly value: unknown;
}

export class Normalizer {
  readonly faults: ConfigFault[] = [];
  /** From path to what stood there, for the faults found later. */
  readonly written = new Map<string, Written>();

  /** Undefined when the node does not fit; the fault is recorded. */
  normalize(schema: SchemaNode, node: RawNode, path: string): Plain | undefined {
    this.written.set(path, { source: node.source, value: rawValue(node) });
    if (schema.type === "object") return this.#section(schema, node, path);
    if (schema.type === "array") return this.#list(schema, node, path);
    if (node.kind !== "scalar") return this.#refuse(schema, node, path);
    const value = readScalar(schema, node.value, node.source.kind !== "file");
    return value === undefined ? this.#refuse(schema, node, path) : value;
  }

  #section(schema: SchemaNode, node: RawNode, path: string): Plain | undefined {
    const { properties = {}, shorthand } = schema;
    if (node.kind === "scalar" && shorthand !== undefined && node.value !== null) {
      const entry = { key: shorthand, source: node.source, node };
      return this.#section(schema, { kind: "map", entries: [entry], source: node.source }, path);
    }
    // `loop:` with nothing below it, as it is left when its last line is commented out.
    if (node.kind === "scalar" && node.value === null) return {};
    if (node.kind !== "map") return this.#refuse(schema, node, path);
    const plain: Record<string, Plain> = {};
    for (const entry of node.entries) {
      const child = Object.hasOwn(properties, entry.key) ? properties[entry.key] : undefined;
      const childPath = path === "" ? entry.key : `${path}.${entry.key}`;
      if (child === undefined) this.#unknown(properties, entry.key, childPath, entry.source);
      else {
        const value = this.normalize(child, entry.node, childPath);
        if (value !== undefined) plain[entry.key] = value;
      }
    }
    return plain;
  }

  #list(schema: SchemaNode, node: RawNode, path: string): Plain | undefined {
    const items = schema.items ?? {};
    let nodes: readonly RawNode[];
    if (node.kind === "list") nodes = node.items;
    else if (node.kind === "scalar" && typeof node.value === "string") {
      const { source } = node;
      const texts = node.source.kind === "file" ? [node.value] : node.value.split(",");
      nodes = texts
        .map((text) => text.trim())
        .filter((text) => text !== "")
        .map((value) => ({ kind: "scalar", value, source }) as const);
    } else return this.#refuse(schema, node, path);
    const plain: Plain[] = [];
    for (const [index, item] of nodes.entries()) {
      const value = this.normalize(items, item, `${path}[${index}]`);
      if (value !== undefined) plain.push(value);
    }
    return plain;
  }

  #refuse(schema: SchemaNode, node: RawNode, path: string): undefined {
    this.faults.push(
      configFault("E_CONFIG_VALUE", {
        path,
        source: node.source,
        expected: expectation(schema),
        seen: showValue(rawValue(node)),
      }),
    );
  }

  #unknown(
    siblings: Readonly<Record<string, SchemaNode>>,
    key: string,
    path: string,
    source: ConfigSource,
  ): void {
    const near = nearestName(key, Object.keys(siblings));
    // `period` at the top was perhaps meant to stand in `loop`.
    const elsewhere = options.find((option) => option.keys.at(-1) === key)?.path ?? null;
    const meant = near ?? elsewhere;
    this.faults.push(
      configFault("E_CONFIG_UNKNOWN", {
        path,
        source,
        expected: "the name of an option",
        seen: showValue(key),
        remedy: meant === null ? undefined : `did you mean ${meant}?`,
      }),
    );
  }
}

/** `lenient`: the value is text by nature (environment, flag) and may stand for any type. */
function readScalar(
  schema: SchemaNode,
  value: string | number | boolean | null,
  lenient: boolean,
): string | number | boolean | null | undefined {
  switch (schema.notation) {
    case "duration":
      return readDurationMs(value) ?? undefined;
    case "size":
      return readSizeBytes(value) ?? undefined;
    case "ratio":
      return readRatio(value) ?? undefined;
    case "address":
      return typeof value === "string" && readHostPort(value) !== null ? value : undefined;
    case "optional-address":
      if (value === null || (lenient && value === "")) return null;
      return typeof value === "string" && readHostPort(value) !== null ? value : undefined;
    case "optional-path":
      if (value === null || (lenient && value === "")) return null;
      return typeof value === "string" && value !== "" ? value : undefined;
    case "probe-url":
      return typeof value === "string" && isProbeUrl(value) ? value : undefined;
    case "url":
      return readUrl(value, lenient);
    case undefined:
      break;
  }
  if (lenient && typeof value === "string") {
    if (schema.type === "integer") return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    if (schema.type === "boolean" && (value === "true" || value === "false")) {
      return value === "true";
    }
  }
  const type = schema.type === "integer" ? "number" : (schema.type ?? "string");
  return typeof value === type ? value : undefined;
}

function readUrl(value: unknown, lenient: boolean): string | null | undefined {
  if (value === null || (lenient && value === "")) return null;
  if (typeof value !== "string" || !/^https?:\/\/[^/]/.test(value)) return undefined;
  return URL.canParse(value) ? value : undefined;
}
