/**
 * Every option with its path, its environment name and its flag, in the order of the schema. It
 * is the schema seen as plain JSON Schema, so that nothing else needs to know TypeBox.
 */

import { configSchema, type Notation } from "./config-schema.ts";

/** The part of JSON Schema that the configuration uses, and our own keywords. */
export interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly notation?: Notation;
  readonly flag?: string;
  readonly shorthand?: string;
  readonly computedDefault?: string;
  readonly example?: string;
  readonly form?: string;
}

export interface Option {
  /** As in meshmend.yaml: `loop.period`. */
  readonly path: string;
  readonly keys: readonly string[];
  /** `MESHMEND_LOOP_PERIOD`. */
  readonly environmentName: string;
  /** `--mode`; null when the option has no flag. */
  readonly flag: string | null;
  readonly schema: SchemaNode;
}

/** The schema, as data. */
export const schemaRoot: SchemaNode = JSON.parse(JSON.stringify(configSchema));

const upperSnake = (key: string): string => key.replaceAll(/[A-Z]/g, "_$&").toUpperCase();

function* optionsBelow(
  schema: SchemaNode,
  keys: readonly string[],
  names: readonly string[],
): Generator<Option> {
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const childKeys = [...keys, key];
    // The shorthand of a section goes by the section's own name: http.listen is MESHMEND_HTTP.
    const childNames = schema.shorthand === key ? names : [...names, upperSnake(key)];
    if (child.properties !== undefined) {
      yield* optionsBelow(child, childKeys, childNames);
      continue;
    }
    yield {
      path: childKeys.join("."),
      keys: childKeys,
      environmentName: ["MESHMEND", ...childNames].join("_"),
      flag: child.flag === undefined ? null : `--${child.flag}`,
      schema: child,
    };
  }
}

export const options: readonly Option[] = [...optionsBelow(schemaRoot, [], [])];

/**
 * The YAML lines that open the sections of an option, where the option before it (null: none) stood in
 * others; and how far the option itself is indented. For all who write the options out in order.
 */
export function placeInFile(
  option: Option,
  before: Option | null,
): { readonly headings: readonly string[]; readonly indent: string } {
  const sections = option.keys.slice(0, -1);
  const open = before?.keys.slice(0, -1) ?? [];
  let shared = 0;
  while (shared < sections.length && sections[shared] === open[shared]) shared++;
  const headings = sections
    .slice(shared)
    .map((section, index) => `${"  ".repeat(shared + index)}${section}:`);
  return { headings, indent: "  ".repeat(sections.length) };
}
