import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../src/base/index.ts";
import {
  isMember,
  isVoter,
  type MemberChange,
  type Membership,
  membersOf,
} from "../../../src/consensus/index.ts";
import { changed, left } from "../../../src/consensus/membership.ts";

const member = (id: string) => ({ id: id as NodeId, address: `${id}:1` });
const founded = (ids: string): Membership => ({
  voters: [...ids].map(member),
  outgoing: null,
  learners: [],
});
const ids = (members: readonly { readonly id: NodeId }[]) => members.map(({ id }) => id).join("");

const add = (id: string, promote = false): MemberChange => ({
  kind: "add-learner",
  member: member(id),
  promote,
});
const act = (kind: "promote" | "demote" | "remove", id: string): MemberChange => ({
  kind,
  id: id as NodeId,
});

function outcome(start: string, changes: readonly MemberChange[]): string {
  const result = changed(founded(start), changes);
  if (!result.ok) return result.fault.code;
  const { voters, outgoing, learners } = result.value;
  return `${ids(voters)}|${outgoing === null ? "-" : ids(outgoing)}|${ids(learners)}`;
}

describe("a membership change", () => {
  it.each([
    ["abc", [add("d")], "abc|-|d"],
    ["abc", [add("d"), add("e")], "abc|-|de"],
    ["abc", [add("d"), act("promote", "d")], "abcd|-|"],
    ["abc", [act("remove", "c")], "ab|-|"],
    ["abc", [act("demote", "c")], "ab|-|c"],
    ["abc", [act("remove", "b"), act("remove", "c")], "a|abc|"],
    ["abc", [add("d"), act("promote", "d"), act("remove", "a")], "bcd|abc|"],
    ["abc", [act("demote", "a"), act("demote", "b")], "c|abc|ab"],
    ["abc", [act("demote", "c"), act("promote", "c")], "abc|-|"],
    ["abc", [add("a")], "E_MEMBER_EXISTS"],
    ["abc", [act("remove", "x")], "E_NO_SUCH_MEMBER"],
    ["abc", [act("promote", "a")], "E_NO_SUCH_MEMBER"],
    ["abc", [act("demote", "x")], "E_NO_SUCH_MEMBER"],
    ["a", [act("remove", "a")], "E_LAST_VOTER"],
    ["a", [act("demote", "a")], "E_LAST_VOTER"],
  ])("of %s by %j gives %s", (start, changes, expected) => {
    expect(outcome(start, changes)).toBe(expected);
  });

  it("gives a member another address, and leaves everything else as it was", () => {
    const moved = changed(founded("abc"), [
      { kind: "move", member: { ...member("b"), address: "elsewhere:2" } },
    ]);
    if (!moved.ok) throw new Error(moved.fault.message);
    const { voters, outgoing } = moved.value;
    expect(voters.map(({ address }) => address)).toEqual(["a:1", "elsewhere:2", "c:1"]);
    expect(outgoing).toBeNull();
    const stranger = changed(founded("abc"), [{ kind: "move", member: member("x") }]);
    expect(stranger).toMatchObject({ ok: false, fault: { code: "E_NO_SUCH_MEMBER" } });
  });

  it("is refused while a joint phase lasts, which ends in the new voters alone", () => {
    const joint = changed(founded("abc"), [act("demote", "a"), act("remove", "b")]);
    if (!joint.ok) throw new Error(joint.fault.message);
    const again = changed(joint.value, [add("x")]);
    expect(again.ok ? null : again.fault.code).toBe("E_CHANGE_PENDING");
    expect(isVoter(joint.value, "b" as NodeId)).toBe(true);
    const settled = left(joint.value);
    expect(isMember(settled, "b" as NodeId)).toBe(false);
    expect(ids(membersOf(settled))).toBe("ca");
  });

  it("keeps the addresses of those who stay", () => {
    const result = changed(founded("ab"), [act("demote", "b")]);
    expect(result.ok && result.value.learners).toEqual([{ ...member("b"), promote: false }]);
  });
});
