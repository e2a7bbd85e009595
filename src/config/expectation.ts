/** What an option takes, in words: for faults and for the reference. */

import { writeDuration, writeRatio, writeSize } from "./notation.ts";
import type { SchemaNode } from "./option-table.ts";

/** Text that YAML reads as that very text without quotes, also inside `[]` and `{}`. */
const plainText = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z](?:[\w./:-]*[\w./-])?$/i;
const plainAddress = /^\d+(?:\.\d+){3}:\d+$/;

/** A value in the option's notation, as it would be written in meshmend.yaml. */
export function writeValue(schema: SchemaNode, value: unknown): string {
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    return `[${value.map((each) => writeValue(items, each)).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([key, each]) => {
      return `${key}: ${writeValue(schema.properties?.[key] ?? {}, each)}`;
    });
    return `{ ${fields.join(", ")} }`;
  }
  if (typeof value === "number") {
    if (schema.notation === "duration") return writeDuration(value);
    if (schema.notation === "size") return writeSize(value);
    if (schema.notation === "ratio") return writeRatio(value);
  }
  if (typeof value !== "string") return String(value);
  return plainText.test(value) || plainAddress.test(value) ? value : JSON.stringify(value);
}

function range(schema: SchemaNode): string {
  const { minimum, maximum } = schema;
  if (minimum === undefined || maximum === undefined) return "";
  const digits = (value: number): string =>
    schema.notation === undefined ? value.toLocaleString("en-US") : writeValue(schema, value);
  return ` from ${digits(minimum)} to ${digits(maximum)}`;
}

/** `a duration from 100ms to 1m`. */
export function kindOf(schema: SchemaNode): string {
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${each}\``).join(" | ");
  switch (schema.notation) {
    case "duration":
      return `a duration${range(schema)}`;
    case "size":
      return `a size${range(schema)}`;
    case "ratio":
      return "a share, 0 to 1 or 0% to 100%";
    case "address":
      return "an address, `host:port` or `[ipv6]:port`";
    case "probe-url":
      return "`tcp://host:port` or `icmp://host`";
    case "url":
      return "an http or https URL, or null";
    case undefined:
      break;
  }
  if (schema.type === "integer") return `a whole number${range(schema)}`;
  if (schema.type === "boolean") return "true or false";
  if (schema.type === "array") {
    const many = schema.maxItems === undefined ? "" : ` of at most ${schema.maxItems}`;
    if (schema.items?.notation === "address") return `a list${many} addresses`;
    return schema.items?.type === "object" ? `a list${many} targets` : `a list${many} patterns`;
  }
  if (schema.type === "object") {
    return `a section with ${Object.keys(schema.properties ?? {}).join(", ")}`;
  }
  if (schema.form !== undefined) return schema.form;
  return `text of 1 to ${schema.maxLength ?? 4_096} characters`;
}

/** The kind with an example, as a fault says it. */
export function expectation(schema: SchemaNode): string {
  const plain = kindOf(schema).replaceAll("`", "").replaceAll(" | ", ", ");
  if (schema.enum !== undefined) return `one of ${plain}`;
  const sample =
    schema.example ??
    (schema.default === undefined || schema.default === null
      ? undefined
      : writeValue(schema, schema.default));
  const tellsItself = schema.type === "boolean" || schema.type === "object";
  return sample === undefined || tellsItself ? plain : `${plain}, for example ${sample}`;
}
