import { describe, expect, it } from "vitest";
import { capabilityIn } from "../../../src/node/capabilities.ts";

const status = (effective: string) => `Name:\tnode\nCapPrm:\t0\nCapEff:\t${effective}\n`;

describe("the capabilities of a process", () => {
  it("are read bit by bit", () => {
    expect(capabilityIn(status("0000000000001000"), "CAP_NET_ADMIN")).toBe(true);
    expect(capabilityIn(status("0000000000001000"), "CAP_NET_RAW")).toBe(false);
    expect(capabilityIn(status("0000008000000000"), "CAP_BPF")).toBe(true);
    expect(capabilityIn(status("000001ffffffffff"), "CAP_BPF")).toBe(true);
  });

  it("are unknown where the kernel does not tell them", () => {
    expect(capabilityIn("Name:\tnode\n", "CAP_BPF")).toBeNull();
  });
});
