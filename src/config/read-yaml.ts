/**
 * YAML text to a raw tree. Configuration needs little of YAML, so the rest is refused where it
 * stands: several documents, tags, merge keys, keys that are not text. Size, depth and the number
 * of values (aliases multiply them) are bounded, and duplicate keys are found here in linear
 * time: the parser's own check compares every pair, which takes a minute on a full-sized file.
 */

import { createRequire } from "node:module";
import type { LineCounter, Node, Pair, YAMLError } from "yaml";
import { messageOf } from "../base/index.ts";
import { type ConfigFault, type ConfigSource, configFault, showValue } from "./config-fault.ts";
import type { RawEntry, RawNode } from "./raw-tree.ts";

export const maxFileBytes = 1_048_576;
const maxNodes = 20_000;
const maxDepth = 16;

export interface ConfigFile {
  /** As the reader knows it; it opens every message about the file. */
  readonly path: string;
  readonly text: string;
}

export interface ReadYaml {
  /** Null when there is nothing to go on with. */
  readonly root: RawNode | null;
  readonly faults: readonly ConfigFault[];
}

const syntaxHints: readonly (readonly [RegExp, string])[] = [
  [/(?::\s|\/\/)\[[\da-fA-F:.]+\]/, 'put an IPv6 address in quotes: "[::1]:8480"'],
  [/\t/, "indent with spaces"],
  [/:\s*[*&!%@`]/, "put text that begins with * & ! % @ ` in quotes"],
];

/** Its 72 modules are loaded for a file only: a node on defaults does without their memory. */
const loadYaml = createRequire(import.meta.url) as (name: "yaml") => typeof import("yaml");

class TreeReader {
  readonly faults: ConfigFault[] = [];
  readonly #file: ConfigFile;
  readonly #lines: LineCounter;
  readonly #yaml = loadYaml("yaml");
  readonly #document: ReturnType<typeof import("yaml").parseDocument>;
  #nodes = 0;
  #overLimit = false;

  constructor(file: ConfigFile) {
    this.#file = file;
    this.#lines = new this.#yaml.LineCounter();
    this.#document = this.#yaml.parseDocument(file.text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      strict: true,
      uniqueKeys: false,
      schema: "core",
      resolveKnownTags: false,
    });
  }

  read(): RawNode | null {
    const problems = [...this.#document.errors, ...this.#document.warnings];
    // One broken line makes the parser stumble over the following ones: the first few tell all.
    for (const problem of problems.slice(0, 3)) this.#reportSyntax(problem);
    if (problems.length > 0) return null;
    const contents = this.#document.contents;
    const top: ConfigSource = { kind: "file", path: this.#file.path, line: 1, column: 1 };
    if (contents === null) return { kind: "map", entries: [], source: top };
    const root = this.#convert(contents, 0, top);
    return this.#overLimit ? null : root;
  }

  #at(offset: number | undefined, otherwise: ConfigSource): ConfigSource {
    if (offset === undefined) return otherwise;
    const { line, col } = this.#lines.linePos(offset);
    return {
      kind: "file",
      path: this.#file.path,
      line: Math.max(1, line),
      column: Math.max(1, col),
    };
  }

  #reportSyntax(problem: YAMLError | { pos: [number, number]; message: string; code: string }) {
    const top: ConfigSource = { kind: "file", path: this.#file.path, line: 1, column: 1 };
    const source = this.#at(problem.pos[0], top);
    const line = source.kind === "file" ? source.line : 1;
    const text = this.#file.text.split("\n", line)[line - 1] ?? "";
    const several = problem.code === "MULTIPLE_DOCS";
    this.faults.push(
      configFault("E_CONFIG_SYNTAX", {
        path: "",
        source,
        expected: several ? "one YAML document" : "YAML",
        seen: several ? "a second one" : `${showValue(text.trim())}: ${problem.message}`,
        remedy: syntaxHints.find(([pattern]) => pattern.test(text))?.[1],
      }),
    );
  }

  #limit(expected: string, seen: string, source: ConfigSource): null {
    if (!this.#overLimit) {
      this.faults.push(configFault("E_CONFIG_LIMIT", { path: "", source, expected, seen }));
    }
    this.#overLimit = true;
    return null;
  }

  /** Null when the node was refused; the fault is recorded. */
  #convert(node: Node | null, depth: number, parent: ConfigSource): RawNode | null {
    if (node === null) return { kind: "scalar", value: null, source: parent };
    const source = this.#at(node.range?.[0], parent);
    this.#nodes++;
    if (this.#overLimit) return null;
    if (this.#nodes > maxNodes) return this.#limit(`at most ${maxNodes} values`, "more", source);
    if (depth > maxDepth) {
      return this.#limit(`at most ${maxDepth} levels, and no alias of itself`, "more", source);
    }
    if (this.#yaml.isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined)
        return this.#refuse("an anchor with this name", node.source, source);
      return this.#convert(target, depth + 1, source);
    }
    if (this.#yaml.isMap(node))
      return this.#convertMap(node.items as Pair<Node, Node | null>[], depth, source);
    if (this.#yaml.isSeq(node)) {
      const items = node.items.map((item) => this.#convert(item as Node, depth + 1, source));
      return { kind: "list", items: items.filter((item) => item !== null), source };
    }
    if (this.#yaml.isScalar(node)) {
      const { value } = node;
      const plain = typeof value === "string" || typeof value === "boolean" || value === null;
      if (plain || typeof value === "number") return { kind: "scalar", value, source };
    }
    return this.#refuse("text, a number, true, false or null", "something else", source);
  }

  #convertMap(pairs: readonly Pair<Node, Node | null>[], depth: number, source: ConfigSource) {
    const entries: RawEntry[] = [];
    const seen = new Set<string>();
    for (const pair of pairs) {
      const keySource = this.#at(pair.key?.range?.[0], source);
      if (!this.#yaml.isScalar(pair.key) || typeof pair.key.value !== "string") {
        this.#refuse("the name of an option", "a key that is not text", keySource);
        continue;
      }
      const key = pair.key.value;
      if (seen.has(key)) {
        this.#refuse("each option once", `${showValue(key)} a second time`, keySource);
        continue;
      }
      seen.add(key);
      const node = this.#convert(pair.value, depth + 1, keySource);
      if (node !== null) entries.push({ key, source: keySource, node });
    }
    return { kind: "map", entries, source } as const;
  }

  #refuse(expected: string, seen: string, source: ConfigSource): null {
    this.faults.push(configFault("E_CONFIG_SYNTAX", { path: "", source, expected, seen }));
    return null;
  }
}

/** Never throws: whatever the text, there is a tree or a fault. */
export function readYaml(file: ConfigFile): ReadYaml {
  const top: ConfigSource = { kind: "file", path: file.path, line: 1, column: 1 };
  const bytes = new TextEncoder().encode(file.text).length;
  if (bytes > maxFileBytes) {
    const parts = { path: "", source: top, expected: "at most 1 MiB", seen: `${bytes} bytes` };
    return { root: null, faults: [configFault("E_CONFIG_LIMIT", parts)] };
  }
  try {
    const reader = new TreeReader(file);
    const root = reader.read();
    return { root, faults: reader.faults };
  } catch (thrown) {
    // The parser is foreign code on foreign text: what it throws is a fault of the text.
    const parts = { path: "", source: top, expected: "YAML", seen: messageOf(thrown) };
    return { root: null, faults: [configFault("E_CONFIG_SYNTAX", parts)] };
  }
}
