/**
 * From a topology file to a topology, or to every fault in it, each with its place and what was
 * expected. The format stands in test/lab/README.md.
 */

import { type Document, isMap, parseDocument } from "yaml";
import {
  addressPrefix,
  type LinkQuality,
  perfect,
  type RoutingAlgorithm,
  reachableFrom,
  routingAlgorithms,
  type Topology,
  type TopologyLink,
  type TopologyNode,
} from "./topology.ts";

export type ParsedTopology =
  | { readonly ok: true; readonly topology: Topology }
  | { readonly ok: false; readonly faults: readonly string[] };

/** One VM holds the whole mesh, and every node's address is one byte. */
const maxNodes = 32;
const maxLinks = 128;
/** `to-` and the name must fit an interface name's 15 bytes. */
const nodeName = /^[a-z][a-z0-9]{0,11}$/;
const gateways = ["off", "client", "server"] as const;
const units = { ms: 1, s: 1_000 } as const;
const rates = { kbit: 1, mbit: 1_000, gbit: 1_000_000 } as const;

type Faults = string[];
type Fields = Readonly<Record<string, unknown>>;

export function parseTopology(name: string, text: string): ParsedTopology {
  const document: Document = parseDocument(text);
  const faults: Faults = document.errors.map(({ message }) => message);
  if (faults.length === 0 && !isMap(document.contents)) {
    faults.push("expected a mapping with nodes and links");
  }
  if (faults.length > 0) return { ok: false, faults };
  const root = document.toJS({ maxAliasCount: 100 }) as Fields;
  refuseOthers(root, ["description", "algorithm", "nodes", "links"], "", faults);
  const algorithm = oneOf(root["algorithm"] ?? "BATMAN_V", routingAlgorithms, "algorithm", faults);
  const nodes = list(root["nodes"], "nodes", { min: 2, max: maxNodes }, faults).flatMap(
    (value, index) => readNode(value, index, faults),
  );
  checkNodes(nodes, faults);
  const links = list(root["links"], "links", { min: 1, max: maxLinks }, faults).flatMap(
    (value, index) => readLink(value, index, faults),
  );
  checkLinks(nodes, links, faults);
  const { description = "" } = root;
  if (typeof description !== "string") faults.push("description: expected text");
  if (faults.length > 0 || algorithm === null || typeof description !== "string") {
    return { ok: false, faults };
  }
  return { ok: true, topology: { name, description, algorithm, nodes, links } };
}

function readNode(value: unknown, index: number, faults: Faults): TopologyNode[] {
  const path = `nodes[${index}]`;
  const fields = typeof value === "string" ? { name: value } : asFields(value);
  if (fields === null) {
    faults.push(`${path}: expected a name, or a mapping with name, address, gateway`);
    return [];
  }
  refuseOthers(fields, ["name", "address", "gateway"], `${path}.`, faults);
  const name = fields["name"];
  if (typeof name !== "string" || !nodeName.test(name)) {
    faults.push(`${path}.name: expected a letter, then up to 11 letters and digits, lower case`);
    return [];
  }
  const address = fields["address"] ?? `${addressPrefix}${index + 1}`;
  if (typeof address !== "string" || !isHostAddress(address)) {
    faults.push(`${path}.address: expected ${addressPrefix}1 to ${addressPrefix}254`);
    return [];
  }
  const gateway = oneOf(fields["gateway"] ?? "off", gateways, `${path}.gateway`, faults);
  return gateway === null ? [] : [{ name, address, gateway }];
}

function readLink(value: unknown, index: number, faults: Faults): TopologyLink[] {
  const path = `links[${index}]`;
  const fields = typeof value === "string" ? { between: value } : asFields(value);
  const form = "expected `n1 - n2`, or a mapping with between, loss, delay, rate";
  if (fields === null) {
    faults.push(`${path}: ${form}`);
    return [];
  }
  refuseOthers(fields, ["between", "loss", "delay", "rate"], `${path}.`, faults);
  const between = fields["between"];
  const ends = typeof between === "string" ? /^(\S+) - (\S+)$/.exec(between) : null;
  const [, one, other] = ends ?? [];
  if (one === undefined || other === undefined) {
    faults.push(`${path}.between: ${form}`);
    return [];
  }
  return [{ between: [one, other], quality: readQuality(fields, `${path}.`, faults) }];
}

/** `loss: 5%`, `delay: 2ms`, `rate: 10mbit`; what is left out is perfect. */
function readQuality(fields: Fields, path: string, faults: Faults): LinkQuality {
  const number = (key: string, form: RegExp, expected: string): [number, string] | null => {
    const value = fields[key];
    if (value === undefined) return null;
    const [, amount, unit] = (typeof value === "string" ? form.exec(value) : null) ?? [];
    if (amount !== undefined && unit !== undefined) return [Number(amount), unit];
    faults.push(`${path}${key}: expected ${expected}, not ${JSON.stringify(value)}`);
    return null;
  };
  const loss = number("loss", /^(\d{1,3}(?:\.\d+)?)(%)$/, "a share such as 5%");
  const delay = number("delay", /^(\d{1,5}(?:\.\d+)?)(ms|s)$/, "a time such as 2ms");
  const rate = number("rate", /^(\d{1,6})(kbit|mbit|gbit)$/, "a rate such as 10mbit");
  if (loss !== null && loss[0] > 100) faults.push(`${path}loss: expected at most 100%`);
  if (rate !== null && rate[0] === 0) faults.push(`${path}rate: expected more than 0`);
  return {
    lossRatio: loss === null ? perfect.lossRatio : loss[0] / 100,
    delayMs: delay === null ? perfect.delayMs : delay[0] * units[delay[1] as keyof typeof units],
    rateKbit: rate === null ? perfect.rateKbit : rate[0] * rates[rate[1] as keyof typeof rates],
  };
}

function checkNodes(nodes: readonly TopologyNode[], faults: Faults): void {
  for (const key of ["name", "address"] as const) {
    for (const value of repeated(nodes.map((node) => node[key]))) {
      faults.push(`nodes: ${value} stands there twice`);
    }
  }
}

function checkLinks(
  nodes: readonly TopologyNode[],
  links: readonly TopologyLink[],
  faults: Faults,
): void {
  const names = new Set(nodes.map(({ name }) => name));
  for (const { between } of links) {
    const [one, other] = between;
    if (one === other) faults.push(`links: ${one} - ${other} joins a node to itself`);
    for (const end of between) {
      if (!names.has(end)) faults.push(`links: ${one} - ${other}: there is no node ${end}`);
    }
  }
  for (const pair of repeated(links.map(({ between }) => between.toSorted().join(" - ")))) {
    faults.push(`links: ${pair} stands there twice`);
  }
  if (faults.length > 0) return;
  const [first = ""] = names;
  const reached = reachableFrom(first, links);
  const lost = [...names].filter((name) => !reached.has(name));
  if (lost.length > 0) faults.push(`links: no way from ${first} to ${lost.join(", ")}`);
}

function repeated(values: readonly string[]): ReadonlySet<string> {
  return new Set(values.filter((value, index) => values.indexOf(value) !== index));
}

function list(
  value: unknown,
  path: string,
  { min, max }: { readonly min: number; readonly max: number },
  faults: Faults,
): readonly unknown[] {
  if (Array.isArray(value) && value.length >= min && value.length <= max) return value;
  faults.push(`${path}: expected a list of ${min} to ${max}`);
  return [];
}

function oneOf<Name extends string>(
  value: unknown,
  names: readonly Name[],
  path: string,
  faults: Faults,
): Name | null {
  const found = names.find((name) => name === value);
  if (found === undefined) {
    faults.push(`${path}: expected ${names.join(" or ")}, not ${JSON.stringify(value)}`);
  }
  return found ?? null;
}

function asFields(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null;
}

function refuseOthers(
  fields: Fields,
  known: readonly string[],
  path: string,
  faults: Faults,
): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) faults.push(`${path}${key}: expected one of ${known.join(", ")}`);
  }
}

function isHostAddress(address: string): boolean {
  const last = address.slice(addressPrefix.length);
  return (
    address.startsWith(addressPrefix) &&
    /^\d{1,3}$/.test(last) &&
    Number(last) >= 1 &&
    Number(last) <= 254
  );
}

export function asAlgorithm(text: string): RoutingAlgorithm | null {
  return routingAlgorithms.find((name) => name === text) ?? null;
}
