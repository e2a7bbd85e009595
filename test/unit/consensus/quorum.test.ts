import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../src/base/index.ts";
import type { Membership } from "../../../src/consensus/index.ts";
import { reachedByQuorum, voteOutcome } from "../../../src/consensus/quorum.ts";

const members = (ids: string) => [...ids].map((id) => ({ id: id as NodeId, address: id }));

function membership(voters: string, outgoing: string | null = null): Membership {
  return {
    voters: members(voters),
    outgoing: outgoing === null ? null : members(outgoing),
    learners: [],
  };
}

describe("what a quorum has reached", () => {
  const reached = new Map(Object.entries({ a: 9, b: 7, c: 5, d: 3, e: 1 }));
  const indexOf = (id: NodeId) => reached.get(id) ?? 0;

  it.each([
    ["a", null, 9],
    ["ab", null, 7],
    ["abc", null, 7],
    ["edcba", null, 5],
    ["abcd", null, 5],
    ["abc", "cde", 3],
    ["a", "abc", 7],
    ["abx", null, 7],
    ["xya", null, 0],
  ])("of %s with outgoing %s is %i", (voters, outgoing, expected) => {
    expect(reachedByQuorum(membership(voters, outgoing), indexOf)).toBe(expected);
  });

  it("is nothing when nobody votes", () => {
    expect(reachedByQuorum(membership(""), indexOf)).toBe(Number.NEGATIVE_INFINITY);
  });

  it("does not count learners", () => {
    const learners = members("ab").map((member) => ({ ...member, promote: false }));
    expect(reachedByQuorum({ ...membership("cde"), learners }, indexOf)).toBe(3);
  });

  it("equals the definition: the most that more than half of each group has", () => {
    const ids = "abcdefg";
    for (let mask = 1; mask < 128; mask++) {
      const group = [...ids].filter((_, i) => (mask >> i) & 1).join("");
      const value = (id: NodeId) => (id.charCodeAt(0) * 7 + mask) % 11;
      const best = Math.max(
        ...Array.from({ length: 11 }, (_, candidate) => {
          const having = [...group].filter((id) => value(id as NodeId) >= candidate).length;
          return 2 * having > group.length ? candidate : -1;
        }),
      );
      expect(reachedByQuorum(membership(group), value)).toBe(best);
    }
  });
});

describe("the outcome of a vote", () => {
  const votes = (yes: string, no: string) =>
    new Map([
      ...[...yes].map((id) => [id as NodeId, true] as const),
      ...[...no].map((id) => [id as NodeId, false] as const),
    ]);

  it.each([
    ["abc", null, "ab", "", "won"],
    ["abc", null, "a", "", "pending"],
    ["abc", null, "a", "bc", "lost"],
    ["abcd", null, "ab", "", "pending"],
    ["abcd", null, "ab", "cd", "lost"],
    ["abc", "cde", "ab", "", "pending"],
    ["abc", "cde", "abcd", "", "won"],
    ["abc", "cde", "abc", "de", "lost"],
    ["abc", null, "xyz", "", "pending"],
  ])(
    "among %s and %s with yes from %s and no from %s is %s",
    (voters, outgoing, yes, no, outcome) => {
      expect(voteOutcome(membership(voters, outgoing), votes(yes, no))).toBe(outcome);
    },
  );
});
