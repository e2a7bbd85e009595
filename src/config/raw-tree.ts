/**
 * A configuration as it was written, before anything is known of its meaning: scalars, lists and
 * maps, each with the place it stands at. File, environment and flags all become one of these.
 */

import type { ConfigSource } from "./config-fault.ts";

export type RawScalar = string | number | boolean | null;

export type RawNode =
  | { readonly kind: "scalar"; readonly value: RawScalar; readonly source: ConfigSource }
  | { readonly kind: "list"; readonly items: readonly RawNode[]; readonly source: ConfigSource }
  | { readonly kind: "map"; readonly entries: readonly RawEntry[]; readonly source: ConfigSource };

export interface RawEntry {
  readonly key: string;
  /** Where the key stands. */
  readonly source: ConfigSource;
  readonly node: RawNode;
}

/** What is shown of a node in a fault. */
export function rawValue(node: RawNode): unknown {
  if (node.kind === "scalar") return node.value;
  return node.kind === "list" ? [] : {};
}

/** A tree that holds one scalar at `keys`. */
export function rawAt(keys: readonly string[], value: string, source: ConfigSource): RawNode {
  let node: RawNode = { kind: "scalar", value, source };
  for (const key of keys.toReversed()) {
    node = { kind: "map", entries: [{ key, source, node }], source };
  }
  return node;
}
