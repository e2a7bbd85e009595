import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findWeakness, type Graph } from "../../../src/mesh/index.ts";

/** `a-b b-c`: nodes and links. */
function graph(text: string): Graph {
  const links = text.split(" ").map((pair) => {
    const [from = "", to = ""] = pair.split("-");
    return { from, to };
  });
  return { nodes: [...new Set(links.flatMap(({ from, to }) => [from, to]))], links };
}

describe("where a mesh breaks", () => {
  it.each([
    ["a line", "a-b b-c c-d", ["b", "c"], ["a-b", "b-c", "c-d"]],
    ["a triangle", "a-b b-c c-a", [], []],
    ["a triangle with a tail", "a-b b-c c-a c-d", ["c"], ["c-d"]],
    ["two rings and a bridge", "a-b b-c c-a c-x x-y y-z z-x", ["c", "x"], ["c-x"]],
    ["two rings that share a node", "a-b b-c c-a c-x x-y y-c", ["c"], []],
    ["a doubled link", "a-b a-b b-c", ["b"], ["b-c"]],
    ["a star", "s-a s-b s-c", ["s"], ["s-a", "s-b", "s-c"]],
  ])("%s", (_, text, nodes, links) => {
    const of = graph(text);
    const { cutNodes, cutLinks } = findWeakness(of);
    expect([...cutNodes].toSorted()).toEqual(nodes);
    const names = [...cutLinks].map((index) => {
      const { from, to } = of.links[index] ?? { from: "?", to: "?" };
      return `${from}-${to}`;
    });
    expect(names.toSorted()).toEqual(links.toSorted());
  });

  it("tells the parts of a mesh that is parted, the largest first", () => {
    const of = graph("a-b x-y y-z");
    const { parts } = findWeakness({ ...of, nodes: [...of.nodes, "alone"] });
    expect(parts.map((part) => part.toSorted().join(""))).toEqual(["xyz", "ab", "alone"]);
  });

  it("is as quick on a line of ten thousand as the stack is deep", () => {
    const nodes = Array.from({ length: 10_000 }, (_, n) => `n${n}`);
    const links = nodes.slice(1).map((to, n) => ({ from: `n${n}`, to }));
    const { cutNodes, cutLinks } = findWeakness({ nodes, links });
    expect([cutNodes.size, cutLinks.size]).toEqual([9_998, 9_999]);
  });

  it("leaves out links to nobody and to oneself", () => {
    const links = [
      { from: "a", to: "a" },
      { from: "a", to: "ghost" },
    ];
    expect(findWeakness({ nodes: ["a"], links })).toMatchObject({ parts: [["a"]] });
  });
});

/** Brute force: take it away and count the parts. */
function partsWithout(of: Graph, node: string | null, link: number | null): number {
  const nodes = of.nodes.filter((each) => each !== node);
  const group = new Map(nodes.map((each) => [each, each]));
  const find = (each: string): string => {
    const up = group.get(each) ?? each;
    return up === each ? each : find(up);
  };
  for (const [index, { from, to }] of of.links.entries()) {
    if (index !== link && group.has(from) && group.has(to)) group.set(find(from), find(to));
  }
  return new Set(nodes.map(find)).size;
}

const anyGraph = fc.integer({ min: 1, max: 9 }).chain((size) => {
  const node = fc.nat(size - 1).map((n) => `n${n}`);
  return fc.record({
    nodes: fc.constant(Array.from({ length: size }, (_, n) => `n${n}`)),
    links: fc.array(fc.record({ from: node, to: node }), { maxLength: 14 }),
  });
});

describe("the search", () => {
  it("agrees with taking each node and each link away in turn", () => {
    fc.assert(
      fc.property(anyGraph, (of) => {
        const { cutNodes, cutLinks, parts } = findWeakness(of);
        const whole = partsWithout(of, null, null);
        expect(parts.length).toBe(whole);
        expect(parts.flat().toSorted()).toEqual(of.nodes.toSorted());
        for (const node of of.nodes) {
          // A lone node takes its part with it; only then may the number fall.
          expect(cutNodes.has(node)).toBe(partsWithout(of, node, null) > whole);
        }
        for (const index of of.links.keys()) {
          expect(cutLinks.has(index)).toBe(partsWithout(of, null, index) > whole);
        }
      }),
      { numRuns: 500 },
    );
  });
});
