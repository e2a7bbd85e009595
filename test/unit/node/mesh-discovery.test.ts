import { describe, expect, it, onTestFinished } from "vitest";
import { ok, seededRandom, silentLogger } from "../../../src/base/index.ts";
import type { LoopEvent } from "../../../src/mape-k/index.ts";
import type { MdnsListener } from "../../../src/mesh/io/mdns-face.ts";
import { serviceRecords } from "../../../src/mesh/service-records.ts";
import type { SeenMesh } from "../../../src/node/batman-watch.ts";
import { MeshDiscovery } from "../../../src/node/mesh-discovery.ts";
import { MeshPictures } from "../../../src/node/mesh-pictures.ts";
import { recordedNetlinkPort } from "../../support/recorded-batman.ts";
import { ManualClock } from "../support/manual-clock.ts";

const { signal } = new AbortController();
const read = await recordedNetlinkPort("triangle-v").readTables("bat0", signal);
if (!read.ok) throw new Error(read.fault.message);
const mesh: SeenMesh = { tables: read.value, atMs: 0 };
const [neighbour = ""] = mesh.tables.paths.map(({ originator }) => originator);

const defaults = {
  mdns: "auto" as "auto" | "on" | "off",
  interface: "auto",
  seeds: [],
  dhcp: "off" as "auto" | "on" | "off",
  dhcpOption: 224,
  announceIntervalMs: 60_000,
};

function world(discovery: Partial<typeof defaults> = {}, meshInterface = "auto") {
  const clock = new ManualClock();
  const state = { seen: null as SeenMesh | null };
  const events: LoopEvent[] = [];
  const opened: string[] = [];
  const listeners: MdnsListener[] = [];
  const node = new MeshDiscovery(
    {
      clock,
      random: seededRandom(3),
      logger: silentLogger,
      publish: (event) => events.push(event),
      seen: () => state.seen,
      version: "1",
      httpPort: () => null,
      async openMdns(on, address, listener) {
        opened.push(on);
        listeners.push(listener);
        const nothing = async () => {};
        return ok({ address, query: nothing, respond: nothing, close: nothing });
      },
      linkAddresses: (on) => ({
        interface: on,
        addresses: [{ family: 6, address: "fe80::5", prefixBits: 64 }],
      }),
      readLeases: async () => ({ files: [], seeds: [], refused: 0, unreadable: [] }),
    },
    {
      nodeId: "roof" as never,
      mesh: { interface: meshInterface, discovery: { ...defaults, ...discovery } },
    },
  );
  node.start();
  onTestFinished(() => node.stop());
  const announce = (nodeId: string, originator: string | null, from: string, ttlSeconds = 120) => {
    const nothing = { clusterId: null, version: null, httpPort: null, peerPort: null };
    const claim = { ...nothing, nodeId, originator };
    const answers = serviceRecords({ label: nodeId, claim, addresses: [], ttlSeconds });
    const empty = { questions: [], authorities: [], additionals: [] };
    listeners.at(-1)?.onPacket({ kind: "response", answers, from, ...empty });
  };
  return { clock, state, events, opened, node, announce };
}

describe("where multicast DNS is spoken", () => {
  it("is nowhere until batman-adv is seen, and there from then on", async () => {
    const { clock, state, opened } = world();
    await clock.advance(60_000);
    expect(opened).toEqual([]);
    state.seen = mesh;
    await clock.advance(5_000);
    state.seen = null;
    await clock.advance(60_000);
    expect(opened).toEqual(["bat0"]);
  });

  it.each([
    [{}, "eth0", []],
    [{ mdns: "on" as const }, "eth0", ["eth0"]],
    [{ interface: "br-lan" }, "auto", ["br-lan"]],
    [{ mdns: "off" as const, interface: "br-lan" }, "auto", []],
    [{ mdns: "on" as const }, "none", []],
  ])("with %o and the mesh interface %s is %o", async (discovery, meshInterface, where) => {
    const { clock, opened } = world(discovery, meshInterface);
    await clock.advance(5_000);
    expect(opened).toEqual(where);
  });

  it("nowhere, though it is on, is degraded", async () => {
    const { clock, node } = world({ mdns: "on" });
    await clock.advance(5_000);
    expect(node.health()).toMatchObject({ state: "degraded" });
  });
});

describe("a peer", () => {
  it("of the originator table is tied to it, and names it in the picture", async () => {
    const { clock, state, node, announce } = world();
    state.seen = mesh;
    await clock.advance(5_000);
    announce("hill", neighbour, "fe80::9%bat0");
    announce("stray", "02:00:00:00:ff:ff", "fe80::a%bat0");
    announce("mute", null, "fe80::b%bat0");
    const tied = node.peers().peers.map((peer) => [peer.nodeId, peer.inOriginatorTable]);
    expect(tied).toEqual([
      ["hill", true],
      ["mute", null],
      ["stray", false],
    ]);
    const pictures = new MeshPictures(
      { clock, seen: () => mesh, names: () => node.names() },
      { label: "roof", revision: "1" },
    );
    const graph = pictures.networkGraph();
    const drawn = graph.ok ? graph.value.nodes.find(({ id }) => id === neighbour) : undefined;
    expect(drawn).toMatchObject({ label: "hill", properties: { known: false } });
  });

  it("whose originator another claims too names nothing", async () => {
    const { clock, state, node, announce } = world();
    state.seen = mesh;
    await clock.advance(5_000);
    announce("hill", neighbour, "fe80::9%bat0");
    announce("liar", neighbour, "fe80::66%bat0");
    expect(node.names().size).toBe(0);
  });

  it("is an event when it comes, stops and expires", async () => {
    const { clock, state, events, announce } = world();
    state.seen = mesh;
    await clock.advance(5_000);
    announce("hill", null, "fe80::9%bat0");
    announce("dale", null, "fe80::a%bat0");
    announce("hill", null, "fe80::9%bat0", 0);
    await clock.advance(119_000);
    expect(events).toHaveLength(3);
    await clock.advance(2_000);
    const words = events.map((event) => {
      if (event.kind === "peer-appeared") return `${event.peer.nodeId} appeared`;
      return event.kind === "peer-gone" ? `${event.peer.nodeId} ${event.reason}` : event.kind;
    });
    expect(words).toEqual(["hill appeared", "dale appeared", "hill goodbye", "dale expired"]);
  });

  it("that comes and goes all the time does not flood the events", async () => {
    const { clock, state, node, events, announce } = world();
    state.seen = mesh;
    await clock.advance(5_000);
    for (let i = 0; i < 1_000; i++) {
      announce("moth", null, "fe80::66%bat0");
      announce("moth", null, "fe80::66%bat0", 0);
    }
    expect(events).toHaveLength(120);
    expect(node.peers().refused.events).toBe(1_880);
    await clock.advance(1_000);
    announce("hill", null, "fe80::9%bat0");
    expect(events).toHaveLength(121);
  });
});

it("a lease that should name seeds and is not there is degraded", async () => {
  const { clock, node } = world({ dhcp: "on", interface: "br-lan" });
  await clock.advance(5_000);
  expect(node.health()).toMatchObject({
    state: "degraded",
    reason: expect.stringContaining("no lease file"),
  });
});
