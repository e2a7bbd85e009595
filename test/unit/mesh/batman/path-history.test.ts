import { describe, expect, it } from "vitest";
import { PathHistory } from "../../../../src/mesh/batman/index.ts";
import { mac, path } from "./support.ts";

const options = { maxPaths: 4, samples: 3, forgetAfterMs: 10_000 };
const wayA = { originator: mac(9), neighbour: mac(2), interface: "a" };

describe("the history of paths", () => {
  it("keeps the newest qualities of each path, oldest first", () => {
    const history = new PathHistory(options);
    for (const [nth, quality] of [10, 20, 30, 40].entries()) {
      history.record([path(9, 2, "a", quality, true), path(9, 3, "b", 5)], nth * 1_000);
    }
    expect(history.qualities(wayA)).toEqual([20, 30, 40]);
    expect(history.qualities({ ...wayA, interface: "x" })).toEqual([]);
  });

  it("counts the changes of the next hop per originator", () => {
    const history = new PathHistory(options);
    const over = (a: boolean) => [path(9, 2, "a", 1, a), path(9, 3, "b", 1, !a)];
    for (const [nth, a] of [true, true, false, true, true].entries()) history.record(over(a), nth);
    expect(history.switches(mac(9))).toBe(2);
    expect(history.totalSwitches).toBe(2);
    expect(history.switches(mac(8))).toBe(0);
  });

  it("does not count a route that was lost and came back the same way", () => {
    const history = new PathHistory(options);
    history.record([path(9, 2, "a", 1, true)], 0);
    history.record([], 1_000);
    history.record([path(9, 2, "a", 1, true)], 2_000);
    expect(history.switches(mac(9))).toBe(0);
  });

  it("forgets what is gone, and counts what does not fit", () => {
    const history = new PathHistory(options);
    const many = [1, 2, 3, 4, 5, 6].map((n) => path(n, n, "a", 1, true));
    history.record(many, 0);
    expect(history.refused).toBe(2);
    history.record([], 10_001);
    history.record([path(9, 2, "a", 7, true)], 10_002);
    expect(history.qualities(wayA)).toEqual([7]);
    expect(history.refused).toBe(2);
  });
});
