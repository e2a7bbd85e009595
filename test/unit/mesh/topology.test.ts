import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeView } from "../../../src/mesh/batman/index.ts";
import {
  mergeViews,
  type NodeView,
  toDot,
  toMeshviewer,
  toNetJson,
  withNames,
} from "../../../src/mesh/index.ts";
import { recordedNetlinkPort } from "../../support/recorded-batman.ts";

const tq = (value: number) => ({ metric: "tq", value }) as const;

function view(node: string, of: Partial<NodeView> = {}): NodeView {
  return { node, label: null, links: [], beyond: [], isGateway: false, gateways: [], ...of };
}
const link = (to: string, value: number | null = null) => ({
  to,
  interface: "wlan0",
  quality: value === null ? null : tq(value),
});
const linesOf = (views: readonly NodeView[]) =>
  mergeViews(views).links.map(({ from, to, kind, fromQuality, toQuality }) => {
    return `${from}-${to} ${kind} ${fromQuality?.value ?? "?"}/${toQuality?.value ?? "?"}`;
  });

it("names that are told elsewhere are given to nodes that have none, and to no others", () => {
  const views = [view("a", { label: "roof", links: [link("b"), link("c")] })];
  const named = withNames(
    mergeViews(views),
    new Map([
      ["a", "liar"],
      ["b", "hill"],
      ["x", "nobody"],
    ]),
  );
  expect(named.nodes.map(({ label, isKnown }) => [label, isKnown])).toEqual([
    ["roof", true],
    ["hill", false],
    [null, false],
  ]);
});

describe("the picture that views give together", () => {
  it("of one node is its links, and the ways it assumes behind its neighbours", () => {
    const views = [view("a", { links: [link("b", 200)], beyond: [{ node: "c", via: ["b"] }] })];
    expect(linesOf(views)).toEqual(["a-b heard 200/?", "b-c assumed ?/?"]);
    expect(mergeViews(views).nodes.map(({ id, isKnown }) => `${id} ${isKnown}`)).toEqual([
      "a true",
      "b false",
      "c false",
    ]);
  });

  it("has both directions of a link that both ends told of", () => {
    const views = [view("b", { links: [link("a", 90)] }), view("a", { links: [link("b", 200)] })];
    expect(linesOf(views)).toEqual(["a-b heard 200/90"]);
  });

  it("assumes nothing of nodes that have spoken for themselves", () => {
    const far = { links: [link("b")], beyond: [{ node: "c", via: ["b"] }] };
    expect(linesOf([view("a", far), view("b", { links: [link("a"), link("x")] })])).toEqual([
      "a-b heard ?/?",
      "b-x heard ?/?",
    ]);
  });

  it("has the gateways that others told of, unless these say themselves that they are none", () => {
    const told = view("a", { links: [link("b"), link("c")], gateways: ["b", "c", "far"] });
    const { nodes } = mergeViews([told, view("b")]);
    expect(nodes.filter(({ isGateway }) => isGateway).map(({ id }) => id)).toEqual(["c", "far"]);
  });

  it("shows two islands as two parts", () => {
    const views = [view("a", { links: [link("b")] }), view("x", { links: [link("y")] })];
    const graph = toNetJson(mergeViews(views), origin);
    expect(graph.nodes.map(({ id, properties }) => `${id}${properties.part}`)).toEqual([
      "a0",
      "b0",
      "x1",
      "y1",
    ]);
  });

  it("does not depend on the order of the views", () => {
    const name = fc.constantFrom("a", "b", "c", "d", "e");
    const anyView = fc.record({
      node: name,
      label: fc.constant(null),
      links: fc.array(
        fc.tuple(name, fc.nat(255)).map(([to, value]) => link(to, value)),
        {
          maxLength: 4,
        },
      ),
      beyond: fc.array(fc.record({ node: name, via: fc.array(name, { maxLength: 2 }) }), {
        maxLength: 3,
      }),
      isGateway: fc.boolean(),
      gateways: fc.uniqueArray(name, { maxLength: 2 }),
    });
    const views = fc.uniqueArray(anyView, { selector: ({ node }) => node, maxLength: 5 });
    fc.assert(
      fc.property(views, (some) => {
        expect(mergeViews(some.toReversed())).toEqual(mergeViews(some));
      }),
    );
  });
});

const origin = {
  routerId: "a",
  protocolVersion: "2022.3",
  revision: "0.1.0",
  metric: "tq",
  meshName: "bat0",
} as const;

async function recorded(name: "triangle-iv" | "triangle-v") {
  const { signal } = new AbortController();
  const tables = await recordedNetlinkPort(name).readTables("bat0", signal);
  const seen = tables.ok ? nodeView(tables.value, "n1") : null;
  if (seen === null) throw new Error("expected a view");
  return mergeViews([seen]);
}

describe.each(["triangle-iv", "triangle-v"] as const)("the recorded mesh %s", (name) => {
  it("is a triangle with a tail behind one corner, as far as one corner can see", async () => {
    const { nodes, links } = await recorded(name);
    expect(nodes.map(({ id }) => id)).toEqual([
      "02:00:00:00:01:02",
      "02:00:00:00:02:01",
      "02:00:00:00:03:01",
      "02:00:00:00:04:03",
    ]);
    expect(
      links.map(({ from, to, kind }) => `${from.slice(12, 14)}-${to.slice(12, 14)} ${kind}`),
    ).toEqual(["01-02 heard", "01-03 heard", "02-03 assumed", "02-04 assumed", "03-04 assumed"]);
  });
});

describe("the forms others read", () => {
  const views = [
    view("a", {
      label: 'roof "3"\\',
      links: [link("b", 255), link("c", 51)],
      isGateway: true,
    }),
    view("b", { links: [link("c", 102)] }),
    view("c", { links: [link("d", 128)] }),
  ];

  it("are NetJSON, with what breaks the mesh marked", () => {
    const graph = toNetJson(mergeViews(views), origin);
    expect(graph).toMatchObject({
      type: "NetworkGraph",
      protocol: "batman-adv",
      version: "2022.3",
      metric: "TQ",
      router_id: "a",
    });
    expect(graph.nodes.filter(({ properties }) => properties.cut).map(({ id }) => id)).toEqual([
      "c",
    ]);
    expect(graph.links.map(({ source, target, cost }) => [source, target, cost])).toEqual([
      ["a", "b", 1],
      ["a", "c", 5],
      ["b", "c", 2.5],
      ["c", "d", 1.9922],
    ]);
    expect(graph.links.map(({ properties }) => properties.cut)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it("are Graphviz, where no name ends its quotes", () => {
    const dot = toDot(mergeViews(views), "bat0");
    expect(dot).toContain('"a" [label="roof \\"3\\"\\\\\\na", peripheries=2];');
    expect(dot).toContain('"c" -- "d" [label="TQ 128/255", color=red];');
  });

  it("are meshviewer's, with qualities as shares and nothing that is only assumed", () => {
    const all = mergeViews([...views, view("d", { beyond: [{ node: "z", via: ["y"] }] })]);
    const takenAt = "1970-01-01T00:00:02.000Z";
    const context = { takenAt, firstTakenAt: takenAt, clients: new Map([["a", 4]]) };
    const shown = toMeshviewer(all, context);
    expect(shown.timestamp).toBe("1970-01-01T00:00:02.000Z");
    expect(shown.nodes[0]).toMatchObject({ node_id: "a", clients: 4, is_gateway: true });
    // Without these meshviewer's page of a node is not drawn at all.
    expect(shown.nodes[0]).toMatchObject({ addresses: [], autoupdater: { enabled: false } });
    expect(shown.links).toHaveLength(4);
    expect(shown.links[1]).toMatchObject({
      source: "a",
      target: "c",
      source_tq: 0.2,
      target_tq: 0.2,
    });
  });
});
