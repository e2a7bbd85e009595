/**
 * The JSON Schema of meshmend.yaml for editors: what may be written, so notations instead of the
 * program's units, and nothing required.
 */

import { kindOf, writeValue } from "./expectation.ts";
import { type SchemaNode, schemaRoot } from "./option-table.ts";

type Json = Readonly<Record<string, unknown>>;

const written: Readonly<Record<string, string>> = {
  duration: "^\\d+(\\.\\d+)? ?(ms|s|m|h|d)?$",
  size: "^\\d+(\\.\\d+)? ?(B|kB|MB|GB|KiB|MiB|GiB)?$",
  ratio: "^\\d+(\\.\\d+)? ?%?$",
};

function forEditor(schema: SchemaNode): Json {
  const { properties, items, notation, shorthand } = schema;
  const description = `${schema.description ?? ""} Takes ${kindOf(schema)}.`.trim();
  if (properties !== undefined) {
    const entries = Object.entries(properties).map(([key, child]) => [key, forEditor(child)]);
    const section = {
      type: ["object", "null"],
      description: schema.description,
      properties: Object.fromEntries(entries),
      additionalProperties: false,
    };
    return shorthand === undefined ? section : { anyOf: [{ type: "string" }, section] };
  }
  const preset = schema.default === undefined ? {} : { default: asWritten(schema, schema.default) };
  if (items !== undefined) {
    const list = { type: "array", items: forEditor(items), maxItems: schema.maxItems };
    return { ...list, description, ...preset };
  }
  if (schema.enum !== undefined) return { enum: schema.enum, description, ...preset };
  const pattern = notation === undefined ? undefined : written[notation];
  if (pattern !== undefined) {
    return { type: ["string", "number"], pattern, minimum: 0, description, ...preset };
  }
  const { type, minimum, maximum, minLength, maxLength, pattern: form } = schema;
  const limits = { minimum, maximum, minLength, maxLength, pattern: form };
  const types = schema.anyOf?.map((each) => each.type);
  return { type: types ?? type, ...limits, description, ...preset };
}

const asWritten = (schema: SchemaNode, value: unknown): unknown =>
  schema.notation === undefined || typeof value !== "number" ? value : writeValue(schema, value);

/** As JSON would print it: what is undefined is left out. */
export const editorSchema: Json = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "meshmend.yaml",
  ...forEditor(schemaRoot),
};
