import { describe, expect, it } from "vitest";
import { failed, fault, healthy, ok } from "../../../src/base/index.ts";
import { FrameLossSensor, type FrameProgram } from "../../../src/node/frame-loss-sensor.ts";
import { ManualClock } from "../support/manual-clock.ts";

const peer = "02:00:00:00:00:03";
const stream = (
  messages: number,
  lost: number,
  of: { ageMs?: number; duplicates?: number } = {},
) => ({ messages, lost, duplicates: 0, strays: 0, ageMs: 100, intervalUs: 500_000, ...of });
const noPaths: readonly {
  ifindex: number;
  neighbour: string;
  protocol: string;
  stream: ReturnType<typeof stream> & { ttl: number };
}[] = [];
type Streams = Record<string, ReturnType<typeof stream> | null>;

/** A program that counts what it is told to, and writes down what is asked of it. */
function sensorOver(streams: Streams = {}, changes: Partial<FrameProgram> = {}) {
  const asked: string[] = [];
  const clock = new ManualClock();
  const world = { names: ["wlan0"] as readonly string[] | null, ifindex: 2, paths: noPaths };
  const program: FrameProgram = {
    async start() {
      asked.push("start");
      return ok(undefined);
    },
    async watch(names) {
      asked.push(`watch ${names.join(" ")}`);
      return ok(null);
    },
    attached: () => [{ index: 2, name: "wlan0" }],
    read: () =>
      ok({ neighbours: [{ ifindex: world.ifindex, address: peer, streams }], paths: world.paths }),
    tidy: () => void asked.push("tidy"),
    async stop() {
      asked.push("stop");
    },
    health: () => healthy("watching"),
    ...changes,
  };
  const sensor = new FrameLossSensor({ clock, program, wanted: () => world.names });
  return { sensor, asked, clock, world };
}

describe("lost messages of a neighbour", () => {
  it("are summed over all that comes straight from it, its echoes of ours apart", async () => {
    const { sensor } = sensorOver({
      elp: stream(110, 10, { duplicates: 10 }),
      ogm2: stream(40, 10),
      "iv-ogm": null,
      "iv-echo": stream(7, 70, { ageMs: 1_300 }),
    });
    const echoes = { expected: 77, received: 7, overdue: 2 };
    const reading = { neighbour: peer, interface: "wlan0", overdue: 0, echoes };
    expect(await sensor.sample()).toEqual(ok([{ ...reading, expected: 160, received: 140 }]));
  });

  it("are also those of its primary interface, as long as nobody else has passed them on", async () => {
    const { sensor, world } = sensorOver({ elp: stream(100, 0) });
    const path = { ifindex: 2, neighbour: peer, protocol: "ogm2" };
    world.paths = [
      { ...path, stream: { ...stream(10, 5), ttl: 50 } },
      { ...path, stream: { ...stream(10, 5), ttl: 49 } },
      { ...path, protocol: "bcast", stream: { ...stream(10, 5), ttl: 50 } },
      { ...path, neighbour: "02:00:00:00:00:04", stream: { ...stream(10, 5), ttl: 50 } },
      { ...path, ifindex: 3, stream: { ...stream(10, 5), ttl: 50 } },
    ];
    expect(await sensor.sample()).toMatchObject({ value: [{ expected: 115, received: 110 }] });
  });

  it.each([
    [700, 0],
    [750, 1],
    [1_300, 2],
    [60_000, 10],
  ])("are overdue once half an interval late: after %d ms %d", async (ageMs, overdue) => {
    const { sensor } = sensorOver({ elp: stream(10, 0, { ageMs }) });
    expect(await sensor.sample()).toMatchObject({ value: [{ overdue }] });
  });

  it("are nobody's on an interface that is not watched any more", async () => {
    const { sensor, world } = sensorOver({ elp: stream(10, 0) });
    world.ifindex = 9;
    expect(await sensor.sample()).toEqual(ok([]));
  });
});

describe("the kernel program", () => {
  it("is loaded once there is a mesh, and follows its interfaces", async () => {
    const { sensor, asked, clock, world } = sensorOver();
    world.names = null;
    expect(await sensor.sample()).toMatchObject({ fault: { code: "E_NOT_SUPPORTED" } });
    expect(asked).toEqual([]);
    world.names = ["wlan0"];
    await sensor.sample();
    await clock.advance(1_000);
    await sensor.sample();
    world.names = ["wlan0", "wlan1"];
    await sensor.sample();
    await clock.advance(5_000);
    await sensor.sample();
    await sensor.close();
    expect(asked).toEqual([
      "start",
      ...["watch wlan0", "tidy"],
      ...["watch wlan0 wlan1", "tidy"],
      ...["watch wlan0 wlan1", "tidy"],
      "stop",
    ]);
  });

  it("that cannot be loaded is tried again every half minute, and health says why", async () => {
    const refusal = failed(fault("E_NOT_PERMITTED", "needs CAP_BPF", "give it CAP_BPF"));
    let starts = 0;
    const { sensor, clock } = sensorOver(
      {},
      {
        async start() {
          starts++;
          return refusal;
        },
      },
    );
    for (let n = 0; n < 40; n++) {
      expect(await sensor.sample()).toEqual(refusal);
      await clock.advance(1_000);
    }
    expect(starts).toBe(2);
    expect(sensor.health()).toEqual({
      state: "degraded",
      reason: "needs CAP_BPF",
      remedy: "give it CAP_BPF",
    });
  });

  it("whose reading fails is not observed", async () => {
    const unread = failed(fault("E_NOT_RUNNING", "no"));
    const { sensor } = sensorOver({}, { read: () => unread });
    expect(await sensor.sample()).toEqual(unread);
  });
});
