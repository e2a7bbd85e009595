/** mesh.bpf.c on a real link, in native and generic XDP: what was dropped is what is counted. */

import { afterEach, describe, expect, test } from "vitest";
import { seededRandom, silentLogger } from "../../../src/base/index.ts";
import {
  defaultMeshSettings,
  type MeshEvent,
  type MeshSettings,
  type StreamReading,
} from "../../../src/ebpf/index.ts";
import { MeshWatch } from "../../../src/ebpf/io/mesh-watch.ts";
import type { Native, XdpMode } from "../../../src/ebpf/io/native-contract.ts";
import { type Disturbed, disturb } from "../../native/disturb.ts";
import { broadcast, elp, frame, ivOgm, ogm2, restarts, unicast } from "../../native/frames.ts";
import { eventually, nativeOrSkip, type VethLink, vethLink } from "../../native/veth-link.ts";

const neighbour = "02:00:00:00:00:0a";
const others = ["02:00:00:00:00:0b", "02:00:00:00:00:0c", "02:00:00:00:00:0d"];

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newLink(): VethLink {
  const link = vethLink();
  cleanups.push(() => link.remove());
  return link;
}

async function started(
  { native, folder }: { native: Native; folder: string },
  modes: readonly XdpMode[],
  settings: Partial<MeshSettings> = {},
) {
  const events: MeshEvent[] = [];
  const watch = new MeshWatch(
    { native, logger: silentLogger, onEvents: (batch) => void events.push(...batch) },
    { folder, modes, settings: { ...defaultMeshSettings, ...settings } },
  );
  cleanups.push(() => watch.stop());
  expect(await watch.start()).toEqual({ ok: true, value: undefined });
  return { watch, events };
}

async function onLink(
  addon: { native: Native; folder: string },
  mode: XdpMode,
  settings: Partial<MeshSettings> = {},
) {
  const link = newLink();
  const { watch, events } = await started(addon, [mode], settings);
  const watched = await watch.watch([link.name]);
  expect(watched).toMatchObject({ ok: true, value: { attached: [{ mode }], refused: [] } });
  return { link, watch, events };
}

function reading(watch: MeshWatch) {
  const read = watch.read();
  if (!read.ok) throw new Error(read.fault.message);
  return read.value;
}

function onlyNeighbour(watch: MeshWatch) {
  const { neighbours } = reading(watch);
  expect(neighbours).toHaveLength(1);
  const [only] = neighbours;
  if (only === undefined) throw new Error("no neighbour");
  return only;
}

/** Waits until every injected frame went through the program. */
async function counted(watch: MeshWatch, frames: number): Promise<void> {
  const total = () =>
    Object.values(reading(watch).interfaces[0]?.verdicts ?? {}).reduce((a, b) => a + b, 0);
  expect(await eventually(() => total() >= frames)).toBe(true);
  expect(total()).toBe(frames);
}

function expectExact(stream: StreamReading | null | undefined, done: Disturbed): void {
  expect({
    messages: stream?.messages,
    lost: stream?.lost,
    duplicates: stream?.duplicates,
    reordered: stream?.reordered,
    strays: stream?.strays,
    restarts: stream?.restarts,
  }).toEqual({
    messages: done.arrivals.length,
    lost: done.dropped,
    duplicates: done.duplicated,
    reordered: done.late,
    strays: 0,
    restarts: 0,
  });
}

/** 2,000 messages across the wrap of the sequence number. */
const bad = {
  count: 2000,
  first: 2 ** 32 - 700,
  dropShare: 0.2,
  duplicateShare: 0.05,
  displacement: 3,
};

describe.each(["native", "generic"] as const)("in %s mode", (mode) => {
  test("2,000 ELPs: lost, duplicate and late ones are counted exactly", async (context) => {
    const { link, watch } = await onLink(nativeOrSkip(context), mode);
    const done = disturb(seededRandom(11), bad);
    const frames = done.arrivals.map((number) => frame(neighbour, elp(neighbour, number)));
    link.inject(frames);
    await counted(watch, frames.length);
    const { streams, intervalMs } = onlyNeighbour(watch);
    expect(done.dropped).toBeGreaterThan(300);
    expectExact(streams.elp, done);
    expect(streams.elp?.highest).toBe((bad.first + bad.count - 1) >>> 0);
    expect(intervalMs).toBe(500);
  });

  test("2,000 OGMs each of four originators, aggregated, with truncated frames between", async (context) => {
    const { link, watch } = await onLink(nativeOrSkip(context), mode);
    const random = seededRandom(12);
    const originators = [neighbour, ...others];
    const plans = originators.map(() => disturb(random, bad));
    const queues = plans.map((plan) => [...plan.arrivals]);
    const frames: Buffer[] = [];
    let truncated = 0;
    let ogms = 0;
    while (queues.some((queue) => queue.length > 0)) {
      const parts: Buffer[] = [];
      const room = 1 + (random.uint32() % 16);
      while (parts.length < room && queues.some((queue) => queue.length > 0)) {
        const which = random.uint32() % queues.length;
        const number = queues[which]?.shift();
        if (number === undefined) continue;
        const tvlvBytes = 4 * (random.uint32() % 3);
        parts.push(ivOgm(originators[which] ?? "", number, { tvlvBytes }));
      }
      ogms += parts.length;
      frames.push(frame(neighbour, Buffer.concat(parts)));
      if (random.uint32() % 4 === 0) {
        // Cut off inside the second message: the first counts, the second must not.
        const good = plans[0]?.arrivals[0] ?? 0;
        const whole = frame(
          neighbour,
          Buffer.concat([ivOgm(neighbour, 0xdead0000), ivOgm(neighbour, good, { tvlvBytes: 40 })]),
        );
        frames.push(whole.subarray(0, 14 + 12));
        truncated++;
      }
    }
    link.inject(frames);
    await counted(watch, frames.length);
    const { paths, interfaces } = reading(watch);
    expectExact(onlyNeighbour(watch).streams["iv-ogm"], plans[0] as Disturbed);
    for (const [i, originator] of others.entries()) {
      const path = paths.find((entry) => entry.originator === originator);
      expect(path).toMatchObject({ neighbour, protocol: "iv-ogm" });
      expectExact(path?.stream, plans[i + 1] as Disturbed);
    }
    expect(interfaces[0]).toMatchObject({
      ogms,
      verdicts: { "pass-truncated": truncated, "pass-tracked": frames.length - truncated },
    });
  });

  test("OGM2s and broadcasts: the neighbour's own and those it passes on", async (context) => {
    const { link, watch } = await onLink(nativeOrSkip(context), mode);
    const random = seededRandom(13);
    const [far = ""] = others;
    const [own, passedOn, shouted] = [
      disturb(random, bad),
      disturb(random, bad),
      disturb(random, bad),
    ];
    const frames = [
      ...own.arrivals.map((n) => frame(neighbour, ogm2(neighbour, n, { throughput: 540 }))),
      ...passedOn.arrivals.map((n) => frame(neighbour, ogm2(far, n, { throughput: 90 }))),
      ...shouted.arrivals.map((n) => frame(neighbour, broadcast(far, n))),
    ];
    link.inject(frames);
    await counted(watch, frames.length);
    const { streams } = onlyNeighbour(watch);
    expectExact(streams.ogm2, own);
    expect(streams.ogm2?.quality).toBe(540);
    const { paths } = reading(watch);
    expect(paths.map(({ protocol }) => protocol).toSorted()).toEqual(["broadcast", "ogm2"]);
    expectExact(paths.find(({ protocol }) => protocol === "ogm2")?.stream, passedOn);
    expectExact(paths.find(({ protocol }) => protocol === "broadcast")?.stream, shouted);
  });

  test("echoes of our own OGMs are a stream of their own, for the echo quality", async (context) => {
    const { link, watch } = await onLink(nativeOrSkip(context), mode);
    const done = disturb(seededRandom(14), { ...bad, count: 200 });
    const echo = done.arrivals.map((n) => frame(neighbour, ivOgm(link.address, n, { flags: 4 })));
    const indirect = [frame(neighbour, ivOgm(link.address, 5, { flags: 0 }))];
    link.inject([...echo, ...indirect]);
    await counted(watch, echo.length + 1);
    expectExact(onlyNeighbour(watch).streams["iv-echo"], done);
    expect(reading(watch).paths).toHaveLength(1);
  });

  test("frames and bytes are counted by protocol, and other traffic passes as foreign", async (context) => {
    const { link, watch } = await onLink(nativeOrSkip(context), mode);
    const frames = [
      frame(neighbour, unicast(neighbour), { destination: link.address }),
      frame(neighbour, unicast(neighbour), { destination: link.address }),
      frame(neighbour, Buffer.alloc(100), { etherType: 0x88b5 }),
      frame(neighbour, Buffer.from([0x03, 14, 0, 0])),
      frame("03:00:00:00:00:01", elp(neighbour, 1)),
    ];
    link.inject(frames);
    await counted(watch, frames.length);
    const [counters] = reading(watch).interfaces;
    expect(counters?.frames).toMatchObject({ unicast: 2, foreign: 1, elp: 2 });
    expect(counters?.bytes).toMatchObject({ unicast: 2 * 84, foreign: 114 });
    expect(counters?.verdicts).toMatchObject({
      "pass-tracked": 2,
      "pass-foreign": 1,
      "pass-bad-version": 1,
      "pass-bad-source": 1,
    });
    expect(onlyNeighbour(watch).frames).toBe(2);
  });

  test("a denied source is dropped and counted, and passes again once allowed", async (context) => {
    const { link, watch } = await onLink(nativeOrSkip(context), mode);
    const [allowed = ""] = others;
    const both = [frame(neighbour, elp(neighbour, 1)), frame(allowed, elp(allowed, 1))];
    expect(watch.setDenied([neighbour.toUpperCase()]).ok).toBe(true);
    link.inject(both);
    await counted(watch, 2);
    expect(reading(watch).neighbours.map(({ address }) => address)).toEqual([allowed]);
    expect(reading(watch).interfaces[0]?.verdicts["drop-denied"]).toBe(1);
    expect(watch.setDenied([]).ok).toBe(true);
    link.inject(both);
    await counted(watch, 4);
    expect(reading(watch).neighbours).toHaveLength(2);
    expect(reading(watch).interfaces[0]?.verdicts["drop-denied"]).toBe(1);
  });

  test("a storm of broadcasts is cut to the burst, and other originators' pass", async (context) => {
    const broadcastLimit = { perSecond: 1, burst: 10 };
    const { link, watch } = await onLink(nativeOrSkip(context), mode, { broadcastLimit });
    const [loud = "", calm = ""] = others;
    const storm = Array.from({ length: 500 }, (_, i) => frame(neighbour, broadcast(loud, i)));
    const quiet = Array.from({ length: 5 }, (_, i) => frame(neighbour, broadcast(calm, i)));
    link.inject([...storm, ...quiet]);
    await counted(watch, 505);
    const { verdicts } = reading(watch).interfaces[0] ?? {};
    // The storm takes well under 20 s, at one a second.
    expect(verdicts?.["drop-rate"]).toBeGreaterThanOrEqual(500 - 10 - 20);
    expect(verdicts?.["drop-rate"]).toBeLessThanOrEqual(490);
    expect(watch.configure({ ...watch.settings(), broadcastLimit: null }).ok).toBe(true);
    link.inject(storm);
    await counted(watch, 1005);
    expect(reading(watch).interfaces[0]?.verdicts["drop-rate"]).toBe(verdicts?.["drop-rate"]);
  });
});

describe("events", () => {
  test("a neighbour is announced, falls silent, and returns", async (context) => {
    const { link, watch, events } = await onLink(nativeOrSkip(context), "native", {
      defaultIntervalMs: 100,
    });
    link.inject([frame(neighbour, elp(neighbour, 1, 100))]);
    expect(await eventually(() => events.some(({ kind }) => kind === "silent"))).toBe(true);
    expect(onlyNeighbour(watch)).toMatchObject({ silent: true, silences: 1, timed: true });
    link.inject([frame(neighbour, elp(neighbour, 2, 100))]);
    expect(await eventually(() => events.some(({ kind }) => kind === "returned"))).toBe(true);
    const about = { ifindex: link.index, neighbour };
    expect(events.slice(0, 3)).toMatchObject([
      { ...about, kind: "new-neighbour", value: 0 },
      { ...about, kind: "silent" },
      { ...about, kind: "returned" },
    ]);
    expect(events[1]?.value).toBeGreaterThanOrEqual(300);
    expect(events[2]?.value).toBeGreaterThanOrEqual(events[1]?.value ?? 0);
  });

  test("a neighbour that stays silent is forgotten", async (context) => {
    const { link, watch } = await onLink(nativeOrSkip(context), "native", {
      defaultIntervalMs: 50,
      forgetAfterMs: 400,
    });
    link.inject([frame(neighbour, elp(neighbour, 1, 50))]);
    expect(await eventually(() => reading(watch).neighbours.length === 1)).toBe(true);
    expect(await eventually(() => reading(watch).neighbours.length === 0)).toBe(true);
  });

  test("a burst of loss begins once and ends once; a restart is told from loss", async (context) => {
    const { link, events } = await onLink(nativeOrSkip(context), "native", {
      burst: { window: 8, lost: 3 },
      announceNeighbours: false,
    });
    const steady = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => from + i);
    const numbers = [
      ...steady(100, 20),
      ...[124, 126, 128],
      ...steady(129, 20),
      ...steady(9000, 20),
    ];
    link.inject(numbers.map((number) => frame(neighbour, elp(neighbour, number))));
    expect(await eventually(() => events.some(({ kind }) => kind === "restarted"))).toBe(true);
    expect(events.map(({ kind, stream, value }) => [kind, stream, value])).toEqual([
      ["burst-began", "elp", 4],
      ["burst-ended", "elp", 1],
      ["restarted", "elp", 9001],
    ]);
  });

  test("a flood of new neighbours: every event is delivered or counted as lost", async (context) => {
    const { link, watch, events } = await onLink(nativeOrSkip(context), "native");
    const frames = Array.from({ length: 10_000 }, (_, i) => {
      const address = `02:01:00:00:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`;
      return frame(address, elp(address, i));
    });
    link.inject(frames);
    await counted(watch, frames.length);
    const { neighbours, interfaces } = reading(watch);
    expect(neighbours).toHaveLength(1024);
    expect(interfaces[0]?.verdicts).toMatchObject({
      "pass-tracked": 1024,
      "pass-untracked": 10_000 - 1024,
    });
    const news = () => events.filter(({ kind }) => kind === "new-neighbour").length;
    const lost = () => reading(watch).interfaces[0]?.troubles["event-lost"] ?? 0;
    expect(await eventually(() => news() + lost() >= 1024)).toBe(true);
    expect(news() + lost()).toBe(1024);
  });

  describe("10,000 a second", () => {
    const events = 20_000;
    const flood = restarts(neighbour, events);
    /** Two frames an event. */
    const pauseUs = 50;
    const told = { announceNeighbours: false, defaultIntervalMs: 60_000 };

    test("are all delivered, or counted as lost, each once", async (context) => {
      const { link, watch, events: seen } = await onLink(nativeOrSkip(context), "native", told);
      await link.injectBeside(flood, pauseUs);
      await counted(watch, flood.length);
      const lost = () => reading(watch).interfaces[0]?.troubles["event-lost"] ?? 0;
      await eventually(() => seen.length + lost() >= events);
      expect(seen.length + lost()).toBe(events);
      expect(new Set(seen.map(({ value }) => value)).size).toBe(seen.length);
      expect(onlyNeighbour(watch).streams.elp?.restarts).toBe(events);
    });

    test("overflow the ring while nobody reads: the rest is counted, and reading goes on", async (context) => {
      const { link, watch, events: seen } = await onLink(nativeOrSkip(context), "native", told);
      // Until it has ended, this process does nothing else.
      link.inject(flood);
      await counted(watch, flood.length);
      const lost = reading(watch).interfaces[0]?.troubles["event-lost"] ?? 0;
      await eventually(() => seen.length + lost >= events);
      expect(seen.length + lost).toBe(events);
      // The ring holds 256 KiB, and an event takes 40 bytes there.
      expect(seen).toHaveLength(Math.floor((256 * 1024) / 40));
      link.inject([frame(neighbour, elp(neighbour, 7)), frame(neighbour, elp(neighbour, 8))]);
      expect(await eventually(() => seen.at(-1)?.value === 8)).toBe(true);
    });
  });
});
