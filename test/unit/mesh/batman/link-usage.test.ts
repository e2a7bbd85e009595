import { describe, expect, it } from "vitest";
import { linkUsage } from "../../../../src/mesh/batman/index.ts";
import { meshTables, neighbour, path } from "./support.ts";

describe("what a link carries", () => {
  it("is the originators whose best path leads over it", () => {
    const tables = meshTables({
      neighbours: [neighbour(2, "a"), neighbour(3, "b")],
      paths: [path(2, 2, "a", 900, true), path(4, 2, "a", 500, true), path(3, 3, "b", 800, true)],
    });
    expect(linkUsage(tables, 1_000)).toMatchObject([
      { interface: "a", routes: 2, quality: 900, bestRouteQuality: 900 },
      { interface: "b", routes: 1, quality: 800 },
    ]);
  });

  it.each([
    ["another interface", path(2, 3, "b", 300), 0, 300],
    ["the same interface: steering sinks both", path(2, 3, "a", 300), 1, null],
    ["a neighbour that fell silent", path(2, 4, "c", 300), 1, null],
    ["a path that is worth nothing", path(2, 3, "b", 0), 1, null],
  ])("counts as replaceable by a path over %s", (_, other, withoutAlternative, alternative) => {
    const tables = meshTables({
      neighbours: [
        neighbour(2, "a"),
        neighbour(3, other.interface === "a" ? "a" : "b"),
        neighbour(4, "c", { lastSeenMs: 5_000 }),
      ],
      paths: [path(2, 2, "a", 900, true), other],
    });
    expect(linkUsage(tables, 1_000)[0]).toMatchObject({
      routes: 1,
      routesWithoutAlternative: withoutAlternative,
      worstAlternativeQuality: alternative,
    });
  });

  it("names the quality below which all its routes move", () => {
    const tables = meshTables({
      neighbours: [neighbour(2, "a"), neighbour(3, "b"), neighbour(4, "c")],
      paths: [
        ...[path(2, 2, "a", 900, true), path(2, 3, "b", 300), path(2, 4, "c", 600)],
        ...[path(5, 2, "a", 700, true), path(5, 3, "b", 400), path(5, 4, "c", 200)],
      ],
    });
    expect(linkUsage(tables, 1_000)[0]).toMatchObject({ worstAlternativeQuality: 400 });
  });
});
