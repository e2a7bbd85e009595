import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asksFor,
  claimsInstance,
  instanceLabel,
  readAnnouncements,
  serviceRecords,
} from "../../../src/mesh/service-records.ts";

const claim = {
  nodeId: "roof-3.example",
  clusterId: "valley",
  version: "0.1.0",
  originator: "02:00:00:00:00:03",
  httpPort: 8_480,
  peerPort: null,
};
const label = instanceLabel(claim.nodeId, 1);
const records = (ttlSeconds = 180) =>
  serviceRecords({
    label,
    claim,
    ttlSeconds,
    addresses: [{ family: 6, address: "fe80::3" }],
  });
const text = (...data: readonly unknown[]) => [
  { name: `${label}._meshmend._tcp.local`, type: "TXT", ttl: 180, data },
];

describe("a node as DNS-SD records", () => {
  it("is an instance of the service, with a TXT that carries the claim", () => {
    expect(records().map(({ type, name }) => `${type} ${name}`)).toEqual([
      "PTR _meshmend._tcp.local",
      "SRV roof-3-example._meshmend._tcp.local",
      "TXT roof-3-example._meshmend._tcp.local",
      "AAAA meshmend-roof-3-example.local",
    ]);
  });

  it("is read back as it was told, and goodbye as goodbye", () => {
    expect(readAnnouncements(records())).toEqual({
      announcements: [{ claim, ttlSeconds: 180 }],
      malformed: 0,
    });
    expect(readAnnouncements(records(0)).announcements).toEqual([{ claim, ttlSeconds: 0 }]);
  });

  it("has labels that fit, whatever the name and however often it was taken", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 9 }), (nodeId, attempt) => {
        const one = instanceLabel(nodeId, attempt);
        expect(one.length).toBeLessThanOrEqual(63);
        expect(one).not.toContain(".");
        const all = serviceRecords({
          label: one,
          claim: { ...claim, nodeId },
          addresses: [],
          ttlSeconds: 1,
        });
        expect(readAnnouncements(all).announcements[0]?.claim.nodeId).toBe(nodeId);
      }),
    );
  });

  it("is what a browser asks for, in any case of letters", () => {
    const ask = (name: string) => asksFor([{ name, type: "PTR" }], label);
    expect(ask("_MESHMEND._tcp.local")).toBe(true);
    expect(ask("roof-3-example._meshmend._tcp.local")).toBe(true);
    expect(ask("meshmend-roof-3-example.local")).toBe(true);
    expect(ask("_http._tcp.local")).toBe(false);
    expect(claimsInstance(records(), label)).toBe(true);
    expect(claimsInstance(records(), instanceLabel(claim.nodeId, 2))).toBe(false);
  });
});

describe("what a stranger wrote", () => {
  it.each([
    ["no name", ["version=1"]],
    ["a name with a line end", ["id=a\nb"]],
    ["an empty name", ["id="]],
    ["an originator that is none", ["id=a", "mac=02:00"]],
    ["a port beyond all ports", ["id=a", "http=99999"]],
    ["a port that is a word", ["id=a", "http=ssh"]],
    ["bytes that are no text", [new Uint8Array([0x69, 0x64, 0x3d, 0xff])]],
    ["something that is no string", ["id=a", { version: 1 }]],
    ["more than a packet should have", ["id=a", `x=${"y".repeat(2_000)}`]],
  ])("is counted as malformed: %s", (_, data) => {
    expect(readAnnouncements(text(...data))).toEqual({ announcements: [], malformed: 1 });
  });

  it("may have keys of a later version, and of each key the first counts", () => {
    const { announcements } = readAnnouncements(text("id=a", "id=b", "novel=1", "flag", "=x"));
    expect(announcements.map(({ claim: { nodeId } }) => nodeId)).toEqual(["a"]);
  });

  it("lives an hour at most, and is not read beyond 64 records", () => {
    const [record] = text("id=a");
    const long = { ...record, name: "a._meshmend._tcp.local", type: "TXT", ttl: 4_000_000 };
    expect(readAnnouncements([long]).announcements[0]?.ttlSeconds).toBe(3_600);
    expect(readAnnouncements(Array.from({ length: 500 }, () => long)).announcements).toHaveLength(
      64,
    );
  });

  it("never throws, and never gives a claim that is not well formed", () => {
    const anything = fc.record({
      name: fc.oneof(fc.string(), fc.constant(`x._meshmend._tcp.local`)),
      type: fc.constantFrom("TXT", "PTR", "SRV"),
      ttl: fc.oneof(fc.integer(), fc.constant(undefined)),
      data: fc.anything(),
    });
    fc.assert(
      fc.property(fc.array(anything), (foreign) => {
        for (const { claim: read } of readAnnouncements(foreign).announcements) {
          expect(read.nodeId).toMatch(/^[A-Za-z0-9._-]{1,63}$/);
        }
      }),
    );
  });
});
