import { describe, expect, it } from "vitest";
import type { NetworkGraph } from "../../../src/cli/answers.ts";
import { drawTopology } from "../../../src/cli/draw-topology.ts";
import { processTerminal } from "../../../src/cli/terminal.ts";

const nowhere = { write: () => true };
const terminal = processTerminal({
  env: {},
  stdout: nowhere,
  stderr: nowhere,
  cwd: () => "/",
  once: () => undefined,
});

const node = (id: string, of: { cut?: boolean; gateway?: boolean; part?: number } = {}) => ({
  id,
  label: undefined,
  properties: { gateway: false, known: false, cut: false, part: 0, ...of },
});
const link = (source: string, target: string, cost: number, of: { cut?: boolean } = {}) => ({
  source,
  target,
  cost,
  cost_text: `cost ${cost}`,
  properties: { kind: "heard", cut: false, ...of },
});
const graph = (of: Partial<NetworkGraph>): NetworkGraph => ({
  type: "NetworkGraph",
  protocol: "batman-adv",
  version: null,
  metric: null,
  router_id: "a",
  revision: "0",
  topology_id: "bat0",
  nodes: [],
  links: [],
  ...of,
});

it("the last line does not promise what was only assumed", () => {
  const assumed = { ...link("b", "c", 1), properties: { kind: "assumed", cut: false } };
  const mesh = graph({
    nodes: ["a", "b", "c"].map((id) => node(id)),
    links: [link("a", "b", 1), assumed],
  });
  expect(drawTopology(terminal, mesh).trimEnd().split("\n").at(-1)).toBe(
    "bat0: 3 nodes in one part, 2 links (1 of them not seen, only assumed); no link is known to be anybody's only path",
  );
});

describe("the drawn mesh", () => {
  it("is a tree over the best links from this node, with the others below", () => {
    const mesh = graph({
      nodes: [node("a"), node("b", { gateway: true }), node("c", { cut: true }), node("d")],
      links: [
        link("a", "b", 1),
        link("a", "c", 2),
        link("b", "c", 5),
        link("c", "d", 1, { cut: true }),
      ],
    });
    expect(drawTopology(terminal, mesh)).toMatchInlineSnapshot(`
      "a, this node
      ├── b, gateway  cost 1
      └── c, others need it  cost 2
          └── d  cost 1, the only path

      further links
        b - c  cost 5

      bat0: 4 nodes in one part, 4 links; 1 link is somebody's only path
      "
    `);
  });

  it("shows the parts of a mesh that is parted", () => {
    const mesh = graph({
      nodes: [node("a"), node("x", { part: 1 }), node("y", { part: 1 })],
      links: [link("x", "y", 1, { cut: true })],
    });
    const drawn = drawTopology(terminal, mesh);
    expect(drawn).toContain("a, this node\nx\n└── y");
    expect(drawn).toContain("3 nodes in 2 parts");
  });

  it("lets no stranger's name move the cursor", () => {
    const mesh = graph({ nodes: [{ ...node("a"), label: "\u001b[2Jroof" }] });
    expect(drawTopology(terminal, mesh)).not.toContain("\u001b[2J");
  });

  it("of a thousand nodes ends, and says what it left out", () => {
    const nodes = Array.from({ length: 1_000 }, (_, n) => node(n === 0 ? "a" : `n${n}`));
    const links = nodes.slice(1).map(({ id }) => link("a", id, 1));
    const lines = drawTopology(terminal, graph({ nodes, links })).split("\n");
    expect(lines.length).toBeLessThan(510);
    expect(lines.join("\n")).toContain("and 500 lines more");
  });
});
