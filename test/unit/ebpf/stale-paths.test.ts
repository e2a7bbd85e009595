import { describe, expect, it } from "vitest";
import { combined, type Feature, type PathReading, stalePaths } from "../../../src/ebpf/index.ts";

const path = (name: string, messages: number, ageMs: number): PathReading => ({
  ifindex: 1,
  neighbour: "02:00:00:00:00:01",
  originator: name,
  protocol: "ogm2",
  stream: { messages, ageMs } as PathReading["stream"],
});
const names = (paths: readonly PathReading[]) => paths.map(({ originator }) => originator);

describe("stalePaths", () => {
  it("forgets what was silent for long, and nothing else while there is room", () => {
    const paths = [path("old", 1000, 5000), path("young", 1, 10), path("edge", 5, 1000)];
    expect(names(stalePaths(paths, 1000, 100))).toEqual(["old"]);
  });

  it("in a crowded table, the invented originators go and the established ones stay", () => {
    const real = Array.from({ length: 50 }, (_, i) => path(`real ${i}`, 500, 100));
    const invented = Array.from({ length: 50 }, (_, i) => path(`invented ${i}`, 1, i));
    const gone = names(stalePaths([...real, ...invented], 1000, 100));
    expect(gone).toHaveLength(25);
    expect(gone.every((name) => name.startsWith("invented"))).toBe(true);
    // Of the equally unestablished, the longest unheard first.
    expect(gone).toContain("invented 49");
    expect(gone).not.toContain("invented 0");
  });
});

describe("combined", () => {
  const feature = (answer: Feature["answer"]): Feature => ({ name: "x", purpose: "y", answer });
  it("is no when anything is missing, unknown when anything is, yes otherwise", () => {
    const [yes, no, unknown] = [
      feature({ kind: "yes" }),
      feature({ kind: "no", needs: "Linux 5.15" }),
      feature({ kind: "unknown", why: "EIO" }),
    ];
    expect(combined([yes, unknown, no, no])).toEqual({ kind: "no", needs: "Linux 5.15" });
    expect(combined([yes, unknown])).toEqual({ kind: "unknown", why: "EIO" });
    expect(combined([yes])).toEqual({ kind: "yes" });
  });
});
