import { describe, expect, it, onTestFinished } from "vitest";
import { failed, fault, ok, seededRandom, silentLogger } from "../../../src/base/index.ts";
import type { LinkAddresses } from "../../../src/mesh/io/link-addresses.ts";
import { MdnsDiscovery } from "../../../src/mesh/io/mdns-discovery.ts";
import type { MdnsListener, MdnsPacket } from "../../../src/mesh/io/mdns-face.ts";
import {
  type ServiceRecord,
  serviceName,
  serviceRecords,
} from "../../../src/mesh/service-records.ts";
import { ManualClock } from "../support/manual-clock.ts";

const claimOf = (nodeId: string) => {
  return {
    nodeId,
    clusterId: null,
    version: "1",
    originator: null,
    httpPort: null,
    peerPort: null,
  };
};
const link = (address = "fe80::5"): LinkAddresses => {
  return { interface: "bat0", addresses: [{ family: 6, address, prefixBits: 64 }] };
};
const instanceOf = (records: readonly ServiceRecord[]) =>
  records.find(({ type }) => type === "TXT")?.name.split(".")[0];

interface Sent {
  readonly atMs: number;
  readonly kind: "query" | "response";
  readonly asked: readonly string[];
  readonly records: readonly ServiceRecord[];
}

function world(start: { readonly on: string | null } = { on: "bat0" }) {
  const clock = new ManualClock();
  const sent: Sent[] = [];
  const seen: string[] = [];
  const state = { on: start.on, link: link() as LinkAddresses | null, opens: true };
  const self = { claim: claimOf("roof") };
  let listener: MdnsListener | null = null;
  let open = 0;
  const note = (
    kind: Sent["kind"],
    asked: readonly string[],
    records: readonly ServiceRecord[],
  ) => {
    sent.push({ atMs: clock.monotonicMs(), kind, asked, records });
    return Promise.resolve();
  };
  const discovery = new MdnsDiscovery(
    {
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      async open(_on, address, listening) {
        if (!state.opens) return failed(fault("E_MDNS_OPEN", "no"));
        listener = listening;
        open++;
        return ok({
          address,
          query: (questions, wanted) =>
            note(
              "query",
              questions.map(({ name }) => name),
              wanted,
            ),
          respond: (records) => note("response", [], records),
          async close() {
            open--;
          },
        });
      },
      on: () => state.on,
      addresses: () => state.link,
      self: () => self.claim,
      onSeen: (claim, address, ms) => seen.push(`${claim.nodeId} ${address} ${ms}`),
      onGoodbye: (nodeId, address) => seen.push(`${nodeId} ${address} goodbye`),
    },
    { announceIntervalMs: 60_000 },
  );
  discovery.start();
  onTestFinished(() => discovery.stop());
  const hear = (packet: Partial<MdnsPacket>) =>
    listener?.onPacket({
      kind: "response",
      questions: [],
      answers: [],
      authorities: [],
      additionals: [],
      from: "fe80::9%bat0",
      ...packet,
    });
  const announcements = () =>
    sent.filter(({ kind, records }) => kind === "response" && records.length > 1);
  return { clock, sent, seen, state, self, discovery, hear, announcements, openFaces: () => open };
}

const recordsOf = (nodeId: string, label = nodeId, ttlSeconds = 120) =>
  serviceRecords({ label, claim: claimOf(nodeId), addresses: [], ttlSeconds });

describe("a node on multicast DNS", () => {
  it("probes three times, then announces twice and asks three times", async () => {
    const { clock, sent, announcements } = world();
    await clock.advance(10_000);
    const probes = sent.filter(({ records, kind }) => kind === "query" && records.length > 0);
    expect(probes.map(({ asked }) => asked)).toEqual(Array(3).fill([`roof.${serviceName}`]));
    const [first = 0, second = 0] = probes.map(({ atMs }) => atMs);
    expect(second - first).toBe(250);
    expect(announcements()).toHaveLength(2);
    expect(announcements()[0]?.records[0]?.ttl).toBe(180);
    expect(sent.filter(({ asked }) => asked[0] === serviceName)).toHaveLength(3);
  });

  it("then says no more than once a minute that it is there, and at once what changed", async () => {
    const { clock, self, announcements } = world();
    await clock.advance(10_000);
    const before = announcements().length;
    await clock.advance(300_000);
    expect(announcements().length - before).toBe(5);
    self.claim = { ...self.claim, version: "2" };
    await clock.advance(1_000);
    expect(announcements().length - before).toBe(6);
  });

  it("takes another instance name where its own is held", async () => {
    const { clock, hear, announcements } = world();
    await clock.advance(300);
    hear({ answers: recordsOf("stranger", "roof") });
    await clock.advance(5_000);
    expect(announcements().map(({ records }) => instanceOf(records))).toEqual(["roof-2", "roof-2"]);
  });

  it("yields the name to who probes for it at once from a higher address, and to no lower one", async () => {
    for (const [from, name] of [
      ["fe80::9%bat0", "roof-2"],
      ["fe80::1%bat0", "roof"],
    ] as const) {
      const { clock, hear, announcements } = world();
      await clock.advance(300);
      hear({ kind: "query", from, authorities: recordsOf("stranger", "roof") });
      await clock.advance(5_000);
      expect(instanceOf(announcements()[0]?.records ?? [])).toBe(name);
    }
  });

  it("answers a thousand questions with one answer a second", async () => {
    const { clock, hear, announcements } = world();
    await clock.advance(10_000);
    const before = announcements().length;
    for (let second = 0; second < 3; second++) {
      for (let i = 0; i < 1_000; i++) {
        hear({ kind: "query", questions: [{ name: serviceName, type: "PTR" }] });
      }
      await clock.advance(1_000);
    }
    expect(announcements().length - before).toBe(3);
    hear({ kind: "query", questions: [{ name: "_http._tcp.local", type: "PTR" }] });
    await clock.advance(3_000);
    expect(announcements().length - before).toBe(3);
  });

  it("hears who is there and who goes, under the address the packet came from", async () => {
    const { clock, hear, seen, discovery } = world();
    await clock.advance(5_000);
    hear({ answers: recordsOf("hill") });
    hear({ answers: recordsOf("hill", "hill", 0) });
    hear({ from: "fe80::5%bat0", answers: recordsOf("roof") });
    expect(seen).toEqual(["hill fe80::9%bat0 120000", "hill fe80::9%bat0 goodbye"]);
    expect(discovery.health().state).toBe("ok");
  });

  it("says when another node goes by its name, for as long as it is heard", async () => {
    const { clock, hear, seen, discovery } = world();
    await clock.advance(5_000);
    hear({ answers: recordsOf("roof") });
    expect(discovery.health()).toMatchObject({
      state: "degraded",
      reason: expect.stringContaining("fe80::9%bat0"),
    });
    expect(seen).toEqual([]);
    await clock.advance(200_000);
    expect(discovery.health().state).toBe("ok");
  });

  it("says goodbye when it stops, and closes its sockets", async () => {
    const { clock, sent, discovery, openFaces } = world();
    await clock.advance(10_000);
    await discovery.stop();
    expect(sent.at(-1)?.records.every(({ ttl }) => ttl === 0)).toBe(true);
    expect(openFaces()).toBe(0);
  });

  it("says nothing where there is no mesh, and follows it when it comes, moves and goes", async () => {
    const { clock, sent, state, discovery, openFaces } = world({ on: null });
    await clock.advance(60_000);
    expect(sent).toEqual([]);
    expect(openFaces()).toBe(0);
    state.on = "bat0";
    await clock.advance(10_000);
    expect(openFaces()).toBe(1);
    expect(discovery.interface).toBe("bat0");
    state.link = link("fe80::6");
    const before = sent.length;
    await clock.advance(1_000);
    expect(sent[before]?.records[0]?.ttl).toBe(0);
    await clock.advance(10_000);
    expect(openFaces()).toBe(1);
    state.on = null;
    await clock.advance(1_000);
    expect(openFaces()).toBe(0);
    expect(discovery.interface).toBeNull();
  });

  it("tries again where no socket could be opened, and says so", async () => {
    const { clock, state, discovery, openFaces } = world();
    state.opens = false;
    state.link = link("fe80::6");
    await clock.advance(10_000);
    expect(discovery.health().state).toBe("degraded");
    expect(openFaces()).toBe(0);
    state.opens = true;
    await clock.advance(10_000);
    expect(discovery.health().state).toBe("ok");
    expect(openFaces()).toBe(1);
  });
});
