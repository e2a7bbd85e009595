/**
 * The loop's beat while a neighbour's kernel program raises 10,000 events a second through the ring
 * buffer, beside the same loop in quiet. Claims: each event is delivered or counted as lost, and the
 * p99 of a beat stays under 20 ms. As root:
 *
 *     node_modules/.bin/node bench/events.ts
 */

import { silentLogger } from "../src/base/index.ts";
import { defaultMeshSettings } from "../src/ebpf/index.ts";
import { loadNative } from "../src/ebpf/io/load-native.ts";
import { MeshWatch } from "../src/ebpf/io/mesh-watch.ts";
import {
  kernelRoots,
  NetlinkInterfacesSensor,
  PressureSensor,
  ProcessSensor,
  TransportSensor,
} from "../src/mape-k/io/index.ts";
import { FrameLossSensor } from "../src/node/frame-loss-sensor.ts";
import { systemClock } from "../src/node/index.ts";
import { restarts } from "../test/native/frames.ts";
import { eventually, vethLink } from "../test/native/veth-link.ts";
import { measureBeats } from "./support/measure-beats.ts";
import { machine, percentile } from "./support/statistics.ts";

const beats = { warmUp: 50, measured: 200, periodMs: 100 };
const eventsPerSecond = 10_000;
/** Two frames an event. */
const pauseUs = 1_000_000 / eventsPerSecond / 2;
/** From before the first measured beat until after the last. */
const floodSeconds = ((beats.warmUp + beats.measured) * beats.periodMs) / 1_000 + 2;

const probe = loadNative();
if (probe.kind !== "available") throw new Error(probe.why);
const { native, folder } = probe;
const link = vethLink();
try {
  console.log(`${machine()}; ${beats.measured} beats of ${beats.periodMs} ms each\n`);
  console.log("| | events | delivered | lost | beat p50 ms | p99 ms | max ms | lateness p99 ms |");
  console.log("|---|---|---|---|---|---|---|---|");
  await measure("in quiet", 0);
  await measure("10,000 events/s", eventsPerSecond * floodSeconds);
} finally {
  link.remove();
}

async function measure(name: string, events: number): Promise<void> {
  let delivered = 0;
  const watch = new MeshWatch(
    {
      native,
      logger: silentLogger,
      onEvents: (batch) => {
        delivered += batch.length;
      },
    },
    {
      folder,
      modes: ["native"],
      settings: { ...defaultMeshSettings, announceNeighbours: false, defaultIntervalMs: 60_000 },
    },
  );
  const lost = () => {
    const read = watch.read();
    if (!read.ok) throw new Error(read.fault.message);
    return read.value.interfaces[0]?.troubles["event-lost"] ?? 0;
  };
  const started = await watch.start();
  if (!started.ok) throw new Error(started.fault.message);
  const sensors = openSensors(watch);
  // The sensor attaches in its first sample.
  await sensors.linkLoss.sample();
  if (!(await eventually(() => watch.attached().length === 1))) throw new Error("not attached");
  const flood =
    events === 0 ? null : link.injectBeside(restarts("02:00:00:00:00:01", events), pauseUs);
  let lostEvents = 0;
  const { tookMs, latenessMs } = await measureBeats(
    { ...sensors, linkLoss: { sample: () => sensors.linkLoss.sample() } },
    beats,
  );
  await flood;
  await eventually(() => {
    lostEvents = lost();
    return delivered + lostEvents >= events;
  });
  await sensors.linkLoss.close();
  if (delivered + lostEvents !== events) throw new Error(`${delivered} + ${lostEvents}: not all`);
  const figures = [
    ...[percentile(tookMs, 0.5), percentile(tookMs, 0.99), Math.max(...tookMs)],
    percentile(latenessMs, 0.99),
  ];
  const cells = [name, events, delivered, lostEvents, ...figures.map((ms) => ms.toFixed(2))];
  console.log(`| ${cells.join(" | ")} |`);
}

function openSensors(watch: MeshWatch) {
  const watched = { include: ["*"], exclude: [], maxInterfaces: 4_096 };
  const processSensor = new ProcessSensor({ clock: systemClock });
  processSensor.start();
  const program = {
    start: async () => ({ ok: true as const, value: undefined }),
    watch: (names: readonly string[]) => watch.watch(names),
    attached: () => watch.attached(),
    read: () => watch.read(),
    tidy: () => {},
    stop: () => watch.stop(),
    health: () => watch.health(),
  };
  return {
    interfaces: new NetlinkInterfacesSensor({ netlink: native }, watched),
    transport: new TransportSensor(kernelRoots),
    pressure: new PressureSensor(kernelRoots),
    process: processSensor,
    linkLoss: new FrameLossSensor({ clock: systemClock, wanted: () => [link.name], program }),
  };
}
