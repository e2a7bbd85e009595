import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PeerClaim, PeerRoster, type Sighting } from "../../../src/mesh/index.ts";

const options = { self: "me", maxPeers: 8, maxPeersPerAddress: 2, maxAddressesPerPeer: 3 };

function sighting(nodeId: string, address: string, of: Partial<PeerClaim> = {}): Sighting {
  const nothing = { clusterId: null, version: null, originator: null, httpPort: null };
  const claim = { ...nothing, peerPort: null, nodeId, ...of };
  return { source: "mdns", address, claim, lifetimeMs: 100 };
}
const mac = (last: number) => `02:00:00:00:00:0${last}`;

describe("the roster", () => {
  it("tells once that a peer appeared, and never of this node", () => {
    const roster = new PeerRoster(options);
    expect(roster.see(sighting("me", "10.0.0.1"), 0)).toBeNull();
    expect(roster.see(sighting("b", "10.0.0.2"), 0)).toMatchObject({ kind: "appeared" });
    expect(roster.see(sighting("b", "10.0.0.2"), 10)).toBeNull();
    expect(roster.peers().map(({ nodeId }) => nodeId)).toEqual(["b"]);
  });

  it("is one peer for several addresses and sources, with what any of them told", () => {
    const roster = new PeerRoster(options);
    roster.see(sighting("b", "fe80::2%bat0", { originator: mac(2) }), 0);
    roster.see({ ...sighting("b", "10.0.0.2", { version: "1.0" }), source: "seed" }, 50);
    const [peer, ...others] = roster.peers();
    expect(others).toEqual([]);
    expect(peer).toMatchObject({
      originator: mac(2),
      version: "1.0",
      sources: ["mdns", "seed"],
      firstSeenMs: 0,
      lastSeenMs: 50,
      expiresMs: 150,
      isContested: false,
    });
  });

  it("forgets an address that is silent for its lifetime, and the peer with the last of them", () => {
    const roster = new PeerRoster(options);
    roster.see(sighting("b", "10.0.0.2"), 0);
    roster.see(sighting("b", "10.0.0.3"), 50);
    expect(roster.expire(99)).toEqual([]);
    expect(roster.expire(100)).toEqual([]);
    expect(roster.peers()[0]?.addresses.map(({ address }) => address)).toEqual(["10.0.0.3"]);
    expect(roster.expire(150)).toMatchObject([{ kind: "gone", reason: "expired" }]);
    expect(roster.size).toBe(0);
  });

  it("takes a goodbye from the address that announced, and from no other", () => {
    const roster = new PeerRoster(options);
    roster.see(sighting("b", "10.0.0.2"), 0);
    expect(roster.forget("b", "mdns", "10.0.0.66")).toBeNull();
    expect(roster.forget("b", "seed", "10.0.0.2")).toBeNull();
    expect(roster.size).toBe(1);
    expect(roster.forget("b", "mdns", "10.0.0.2")).toMatchObject({
      kind: "gone",
      reason: "goodbye",
    });
  });

  it("believes who came first where two contradict each other, and says that they do", () => {
    const roster = new PeerRoster(options);
    roster.see(sighting("b", "10.0.0.2", { originator: mac(2) }), 0);
    roster.see(sighting("b", "10.0.0.66", { originator: mac(6) }), 0);
    expect(roster.peers()).toMatchObject([{ originator: mac(2), isContested: true }]);
  });

  it("gives one address no more than its share, so that one liar leaves room for others", () => {
    const roster = new PeerRoster(options);
    for (let i = 0; i < 1_000; i++) roster.see(sighting(`evil-${i}`, "10.0.0.66"), 0);
    expect(roster.size).toBe(options.maxPeersPerAddress);
    expect(roster.refused).toBe(998);
    expect(roster.see(sighting("b", "10.0.0.2"), 0)).not.toBeNull();
  });

  it("stays within its bounds whatever is told, and counts what it refuses", () => {
    const name = fc.constantFrom(..."abcdefghijklmnopqrst");
    const address = fc.constantFrom(..."123456789").map((last) => `10.0.0.${last}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, address), { maxLength: 300 }), (told) => {
        const roster = new PeerRoster(options);
        for (const [who, where] of told) roster.see(sighting(who, where), 0);
        const peers = roster.peers();
        expect(peers.length).toBeLessThanOrEqual(options.maxPeers);
        for (const { addresses } of peers) {
          expect(addresses.length).toBeLessThanOrEqual(options.maxAddressesPerPeer);
        }
        const kept = peers.flatMap(({ nodeId, addresses }) =>
          addresses.map((each) => `${nodeId} ${each.address}`),
        );
        const left = told.filter(([who, where]) => !kept.includes(`${who} ${where}`));
        expect(roster.refused).toBe(left.length);
      }),
    );
  });
});
