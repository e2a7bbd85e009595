/** Topology files: what they mean, what is refused, and what the shell makes of them. */

import { describe, expect, it } from "vitest";
import { loadTopology, topologyNames } from "../../lab/topology/load-topology.ts";
import { parseTopology } from "../../lab/topology/parse-topology.ts";
import { buildScript, netemCommand, settleScript } from "../../lab/topology/shape.ts";
import {
  hardAddress,
  linkName,
  linkNamed,
  linksWithWayRound,
  nodeNamed,
  peersOf,
  softAddress,
  type Topology,
} from "../../lab/topology/topology.ts";

function parsed(text: string): Topology {
  const result = parseTopology("here", text);
  if (!result.ok) throw new Error(result.faults.join("\n"));
  return result.topology;
}

function faults(text: string): readonly string[] {
  const result = parseTopology("here", text);
  return result.ok ? [] : result.faults;
}

const wayRound = (name: string) =>
  linksWithWayRound(loadTopology(name)).map((link) => linkName(link.between));

describe("a topology file", () => {
  it("gives each node an address, and each link perfect quality, unless it says otherwise", () => {
    const topology = parsed(`
algorithm: BATMAN_IV
nodes: [a, { name: b, address: 10.99.0.77, gateway: client }]
links: [{ between: a - b, loss: 2.5%, delay: 1.5s, rate: 10mbit }]`);
    expect(topology.algorithm).toBe("BATMAN_IV");
    expect(topology.nodes).toEqual([
      { name: "a", address: "10.99.0.1", gateway: "off" },
      { name: "b", address: "10.99.0.77", gateway: "client" },
    ]);
    const quality = { lossRatio: 0.025, delayMs: 1_500, rateKbit: 10_000 };
    expect(topology.links).toEqual([{ between: ["a", "b"], quality }]);
  });

  it.each([
    ["nothing", "", "expected a mapping with nodes and links"],
    ["one node", "nodes: [a]\nlinks: [a - a]", "nodes: expected a list of 2 to 32"],
    ["an unknown key", "nodes: [a, b]\nlinks: [a - b]\nspeed: 1", "speed: expected one of"],
    ["an unknown node", "nodes: [a, b]\nlinks: [a - b, a - c]", "a - c: there is no node c"],
    ["a link twice", "nodes: [a, b]\nlinks: [a - b, b - a]", "a - b stands there twice"],
    ["a node twice", "nodes: [a, b, b]\nlinks: [a - b]", "b stands there twice"],
    ["a loop", "nodes: [a, b]\nlinks: [a - b, a - a]", "joins a node to itself"],
    ["a lost node", "nodes: [a, b, c]\nlinks: [a - b]", "no way from a to c"],
    [
      "a long name",
      "nodes: [a, abcdefghijklm]\nlinks: [a - b]",
      "nodes[1].name: expected a letter",
    ],
    ["a bare number", "nodes: [a, b]\nlinks: [{ between: a - b, loss: 5 }]", "such as 5%, not 5"],
    ["too much loss", "nodes: [a, b]\nlinks: [{ between: a - b, loss: 101% }]", "at most 100%"],
    ["no rate", "nodes: [a, b]\nlinks: [{ between: a - b, rate: 0mbit }]", "more than 0"],
    [
      "a strange algorithm",
      "algorithm: OLSR\nnodes: [a, b]\nlinks: [a - b]",
      "BATMAN_IV or BATMAN_V",
    ],
    [
      "a foreign address",
      "nodes: [a, { name: b, address: 10.1.0.2 }]\nlinks: [a - b]",
      "10.99.0.1 to",
    ],
    [
      "the same address",
      "nodes: [a, { name: b, address: 10.99.0.1 }]\nlinks: [a - b]",
      "10.99.0.1 stands",
    ],
    ["broken YAML", "nodes: [a, b\nlinks: [", "at line"],
  ])("is refused for %s", (_, text, fault) => {
    expect(faults(text).join("\n")).toContain(fault);
  });

  it("tells all its faults at once", () => {
    const all = faults("algorithm: X\nnodes: [A, b]\nlinks: [b - c, { between: b }]\nmore: 1");
    expect(all.length).toBeGreaterThanOrEqual(4);
  });
});

describe("the topologies of the lab", () => {
  it.each(topologyNames())("%s is valid and says what it is", (name) => {
    expect(loadTopology(name).description).not.toBe("");
  });

  it("have the links with a way round that their shapes have", () => {
    expect(wayRound("line")).toEqual([]);
    expect(wayRound("triangle")).toEqual(["n1-n2", "n2-n3", "n1-n3"]);
    expect(wayRound("ring")).toHaveLength(5);
    expect(wayRound("grid-3x3")).toHaveLength(12);
    expect(wayRound("two-islands")).not.toContain("w3-e1");
    expect(wayRound("two-islands")).toHaveLength(6);
  });

  it("name what there is when something is asked for that is not there", () => {
    const topology = loadTopology("triangle");
    expect(() => nodeNamed(topology, "n9")).toThrow("it has n1, n2, n3");
    expect(() => linkNamed(topology, "n1-n9")).toThrow("it has n1-n2, n2-n3, n1-n3");
    expect(() => loadTopology("star")).toThrow("there are grid-3x3, line");
    expect(linkNamed(topology, "n3-n1")).toBe(linkNamed(topology, "n1-n3"));
  });

  it("give every interface an address of its own", () => {
    const topology = loadTopology("grid-3x3");
    const addresses = topology.nodes.flatMap(({ name }) => [
      softAddress(topology, name),
      ...peersOf(topology, name).map((peer) => hardAddress(topology, name, peer)),
    ]);
    expect(new Set(addresses).size).toBe(9 + 2 * 12);
    expect(addresses[0]).toBe("02:6d:6d:00:01:00");
  });
});

describe("the shell of a topology", () => {
  it("begins a qdisc anew, since netem keeps a rate that it is not told", () => {
    const quality = { lossRatio: 0.6, delayMs: 2, rateKbit: 500 };
    expect(netemCommand("a", "b", quality).split("\n")).toEqual([
      "tc -n a -batch - <<'END'",
      "qdisc replace dev to-b root noqueue",
      "qdisc replace dev to-b root netem loss 60% delay 2ms rate 500kbit",
      "END",
    ]);
    const none = netemCommand("a", "b", { lossRatio: 0, delayMs: 0, rateKbit: null });
    expect(none).not.toContain("netem");
  });

  it("makes every wire, shapes only what is not perfect, and asks for the algorithm", () => {
    const script = buildScript(loadTopology("two-islands"), "BATMAN_IV");
    expect(script.match(/type veth/g)).toHaveLength(7);
    expect(script.match(/type batadv ra BATMAN_IV/g)).toHaveLength(6);
    expect(script.match(/root netem/g)).toHaveLength(2);
    expect(script).toContain("ip netns exec e3 batctl meshif bat0 gw_mode server");
  });

  it("waits for every pair of nodes", () => {
    const script = settleScript(loadTopology("triangle"), 30);
    expect(script.match(/n\d:10\.99\.0\.\d/g)).toEqual([
      "n1:10.99.0.2",
      "n1:10.99.0.3",
      "n2:10.99.0.3",
    ]);
  });
});
