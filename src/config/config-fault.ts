/**
 * What is wrong in a configuration, and where it was written. A fault names the option, the
 * place (file with line and column, environment variable or flag), what was expected and what
 * was seen, so that the reader never has to look anything up to put it right.
 */

import type { Fault } from "../base/index.ts";

export type ConfigFaultCode =
  /** The file is no YAML, or uses a part of YAML that configuration does not need. */
  | "E_CONFIG_SYNTAX"
  /** No option has this name. */
  | "E_CONFIG_UNKNOWN"
  /** The option exists, the value does not fit it. */
  | "E_CONFIG_VALUE"
  /** Each value fits, but not together with another one. */
  | "E_CONFIG_CONFLICT"
  /** The file is too large, nested too deeply, or has more faults than are worth listing. */
  | "E_CONFIG_LIMIT"
  /** The file cannot be read. */
  | "E_CONFIG_FILE";

/** Where a value comes from. */
export type ConfigSource =
  | { readonly kind: "default" }
  /** Line and column count from 1. */
  | { readonly kind: "file"; readonly path: string; readonly line: number; readonly column: number }
  | { readonly kind: "environment"; readonly name: string }
  | { readonly kind: "flag"; readonly name: string };

/** From an option's path (`loop.period`) to where its value was written. */
export type ConfigSources = Readonly<Record<string, ConfigSource>>;

export interface ConfigFault extends Fault<ConfigFaultCode> {
  /** The option, as written in meshmend.yaml: `loop.period`, `targets[0].url`; empty for the whole. */
  readonly path: string;
  readonly source: ConfigSource;
  readonly expected: string;
  readonly seen: string;
}

/** At least one. */
export type ConfigFaults = readonly [ConfigFault, ...ConfigFault[]];

/** `meshmend.yaml:3:11`, `environment MESHMEND_MODE`, `flag --mode` or `default`. */
export function describeSource(source: ConfigSource): string {
  switch (source.kind) {
    case "default":
      return "default";
    case "file":
      return `${source.path}:${source.line}:${source.column}`;
    case "environment":
      return `environment ${source.name}`;
    case "flag":
      return `flag ${source.name}`;
  }
}

export interface FaultParts {
  readonly path: string;
  readonly source: ConfigSource;
  readonly expected: string;
  readonly seen: string;
  readonly remedy?: string | undefined;
}

export function configFault(code: ConfigFaultCode, parts: FaultParts): ConfigFault {
  const { path, source, expected, seen, remedy } = parts;
  const subject = path === "" ? "" : `${path}: `;
  const message = `${subject}expected ${expected}; seen ${seen}`;
  const base = { code, message, path, source, expected, seen };
  return remedy === undefined ? base : { ...base, remedy };
}

/** The whole fault on one line. */
export function formatConfigFault(fault: ConfigFault): string {
  const remedy = fault.remedy === undefined ? "" : ` (${fault.remedy})`;
  return `${describeSource(fault.source)}: ${fault.message}${remedy}`;
}

/** A value as it is shown in a fault: quoted, on one line, at most 60 characters. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (typeof value === "number" || typeof value === "boolean") text = String(value);
  else if (value === null) text = "null";
  else text = Array.isArray(value) ? "a list" : "a section";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
