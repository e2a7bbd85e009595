import { describe, expect, it } from "vitest";
import {
  isLeftover,
  meshProgramName,
  type Occupant,
  type PresentInterface,
  reconcile,
} from "../../../src/ebpf/index.ts";

const stranger: Occupant = {
  programId: 7,
  programName: "their_firewall",
  mode: "native",
  links: [],
  held: "by-nobody",
};
const ours = (links: readonly number[], held: Occupant["held"]): Occupant => ({
  ...stranger,
  programName: meshProgramName,
  links,
  held,
});
const eth0 = (occupant: Occupant | null = null): PresentInterface => ({
  name: "eth0",
  index: 2,
  address: "02:00:00:00:00:01",
  occupant,
});
const attached = { name: "eth0", index: 2, address: "02:00:00:00:00:01" };

describe("reconcile", () => {
  it("attaches to a free interface, once however often it is wanted", () => {
    expect(reconcile(["eth0", "eth0"], [eth0()], [])).toEqual({
      steps: [{ kind: "attach", to: eth0() }],
      refusals: [],
    });
  });

  it("does nothing when all is as wanted", () => {
    expect(reconcile(["eth0"], [eth0()], [attached])).toEqual({ steps: [], refusals: [] });
  });

  it("says so when an interface is missing or is no Ethernet interface", () => {
    const tunnel = { ...eth0(), name: "tun0", address: "" };
    expect(reconcile(["wlan0", "tun0"], [tunnel], [])).toEqual({
      steps: [],
      refusals: [
        { kind: "missing", name: "wlan0" },
        { kind: "unsuitable", name: "tun0" },
      ],
    });
  });

  it("never plans anything against a stranger's program", () => {
    for (const mode of ["native", "generic", "offloaded"] as const) {
      for (const links of [[], [3]]) {
        for (const held of ["by-a-process", "by-nobody", "unknown"] as const) {
          const occupant = { ...stranger, mode, links, held };
          expect(reconcile(["eth0"], [eth0(occupant)], [])).toEqual({
            steps: [],
            refusals: [{ kind: "occupied", name: "eth0", occupant }],
          });
        }
      }
    }
  });

  it.each([
    ["attached by netlink", ours([], "by-nobody"), true],
    ["pinned, and held by nobody", ours([4], "by-nobody"), true],
    ["held by a live process", ours([4], "by-a-process"), false],
    ["held by we cannot see whom", ours([4], "unknown"), false],
    ["offloaded", { ...ours([], "by-nobody"), mode: "offloaded" as const }, false],
  ])("a program of our name that is %s: left behind? %s", (_, occupant, leftover) => {
    expect(isLeftover(occupant)).toBe(leftover);
    const { steps, refusals } = reconcile(["eth0"], [eth0(occupant)], []);
    expect(steps.map(({ kind }) => kind)).toEqual(leftover ? ["remove", "attach"] : []);
    expect(refusals).toHaveLength(leftover ? 0 : 1);
  });

  it.each([
    ["gone", [], ["eth0"], ["detach"]],
    ["not wanted any more", [eth0()], [], ["detach"]],
    ["renamed", [{ ...eth0(), name: "mesh0" }], ["eth0"], ["detach"]],
    [
      "renamed, and wanted by that name",
      [{ ...eth0(), name: "mesh0" }],
      ["mesh0"],
      ["detach", "attach"],
    ],
    [
      "given another address",
      [{ ...eth0(), address: "02:00:00:00:00:99" }],
      ["eth0"],
      ["detach", "attach"],
    ],
    ["made anew", [{ ...eth0(), index: 9 }], ["eth0"], ["detach", "attach"]],
  ] as const)("follows an interface that is %s", (_, present, wanted, kinds) => {
    const { steps } = reconcile(wanted, present, [attached]);
    expect(steps.map(({ kind }) => kind)).toEqual(kinds);
  });
});
