import { describe, expect, it } from "vitest";
import { LeadershipPriority } from "../../../../src/node/consensus/leadership-priority.ts";

const loss = { kind: "link-loss" };

describe("how willing a node is to lead", () => {
  it.each([
    [[], 100],
    [[loss], 60],
    [[loss, { kind: "silent-neighbour" }], 20],
    [[loss, loss, loss], 20],
    [[{ kind: "storage-low" }], 20],
    [[{ kind: "target-unreachable" }], 100],
  ])("with %j is %i", (symptoms, expected) => {
    expect(new LeadershipPriority().update(symptoms, 0)).toBe(expected);
  });

  it("falls at once and rises after half a minute without trouble", () => {
    const priority = new LeadershipPriority();
    expect(priority.update([loss], 0)).toBe(60);
    expect(priority.update([], 1_000)).toBe(60);
    expect(priority.update([loss], 20_000)).toBe(60);
    expect(priority.update([], 49_000)).toBe(60);
    expect(priority.update([], 50_000)).toBe(100);
  });
});
