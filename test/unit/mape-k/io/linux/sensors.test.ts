/** The small sensors, on trees and functions of the test's own. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  InterfacesSensor,
  PressureSensor,
  ProcessSensor,
  StorageSensor,
  TransportSensor,
} from "../../../../../src/mape-k/io/index.ts";
import { realClock } from "../../../../support/real-clock.ts";

const open = () => new AbortController().signal;
let procRoot: string;
beforeEach(() => {
  procRoot = mkdtempSync(join(tmpdir(), "meshmend-proc-"));
});
afterEach(() => rmSync(procRoot, { recursive: true }));

describe("the pressure sensor", () => {
  it("reads the three resources", () => {
    mkdirSync(join(procRoot, "pressure"));
    for (const [resource, share] of [
      ["cpu", "1.00"],
      ["memory", "2.00"],
      ["io", "3.00"],
    ] as const) {
      const line = (kind: string) => `${kind} avg10=${share} avg60=0.00 avg300=0.00 total=1\n`;
      writeFileSync(join(procRoot, "pressure", resource), line("some") + line("full"));
    }
    expect(new PressureSensor({ procRoot }).sample()).toEqual({
      ok: true,
      value: [
        { resource: "cpu", someRatio: 0.01, fullRatio: 0.01 },
        { resource: "memory", someRatio: 0.02, fullRatio: 0.02 },
        { resource: "io", someRatio: 0.03, fullRatio: 0.03 },
      ],
    });
  });

  it("names the remedy where the kernel keeps none", () => {
    const sample = new PressureSensor({ procRoot }).sample();
    expect(sample).toMatchObject({ ok: false, fault: { code: "E_NOT_SUPPORTED" } });
    expect(!sample.ok && sample.fault.remedy).toContain("psi=1");
  });
});

describe("the transport sensor", () => {
  it("is a fault where the files are missing or not the kernel's", () => {
    const sensor = new TransportSensor({ procRoot });
    expect(sensor.sample()).toMatchObject({ fault: { code: "E_NOT_SUPPORTED" } });
    mkdirSync(join(procRoot, "net"));
    for (const file of ["snmp", "netstat"]) writeFileSync(join(procRoot, "net", file), "junk");
    expect(sensor.sample()).toMatchObject({ fault: { code: "E_MALFORMED" } });
  });
});

describe("the interfaces sensor", () => {
  const table =
    "Inter-|   Receive  |  Transmit\n" +
    " face |bytes packets errs drop fifo frame compressed multicast|" +
    "bytes packets errs drop fifo colls carrier compressed\n" +
    ` mesh0: ${"5 ".repeat(16).trimEnd()}\n    lo: ${"7 ".repeat(16).trimEnd()}\n`;
  const attributes = {
    ifindex: "3\n",
    mtu: "1500\n",
    flags: "0x1002\n",
    operstate: "down\n",
    carrier_changes: "4\n",
  };
  function sensorOn(changes: Partial<typeof attributes>): InterfacesSensor {
    const folder = join(procRoot, "class", "net", "mesh0");
    mkdirSync(join(procRoot, "net"), { recursive: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(procRoot, "net", "dev"), table);
    for (const [name, text] of Object.entries({ ...attributes, ...changes })) {
      writeFileSync(join(folder, name), text);
    }
    const limits = { include: ["*"], exclude: [], maxInterfaces: 9 };
    return new InterfacesSensor({ procRoot, sysRoot: procRoot, ...limits });
  }

  it("joins counters and state", () => {
    const sensor = sensorOn({});
    const sample = sensor.sample();
    expect(sample.ok && sample.value).toMatchObject([
      { name: "mesh0", index: 3, adminUp: false, operState: "down", carrierChanges: 4, rxBytes: 5 },
    ]);
    sensor.close();
  });

  it.each([
    { flags: "up\n" },
    { operstate: "sideways\n" },
    { carrier_changes: "-4\n" },
    { mtu: "" },
    { ifindex: "NaN\n" },
  ])("is a fault when an attribute is not the kernel's: %j", (changes) => {
    const sensor = sensorOn(changes);
    expect(sensor.sample()).toMatchObject({ ok: false, fault: { code: "E_MALFORMED" } });
    sensor.close();
  });

  it("says so when sysfs belongs to another network namespace", () => {
    const sensor = sensorOn({});
    rmSync(join(procRoot, "class"), { recursive: true });
    expect(sensor.sample()).toMatchObject({ ok: false, fault: { code: "E_NOT_SUPPORTED" } });
    sensor.close();
  });
});

describe("the storage sensor", () => {
  it("tells the size, and what the writer knows", async () => {
    let writable = true;
    const sensor = new StorageSensor({ writable: () => writable }, { path: procRoot });
    const first = await sensor.sample(open());
    expect(first).toMatchObject({ ok: true, value: [{ path: procRoot, writable: true }] });
    const reading = first.ok ? first.value[0] : undefined;
    expect(reading?.totalBytes).toBeGreaterThan(0);
    expect(reading?.availableBytes).toBeLessThanOrEqual(reading?.totalBytes ?? 0);
    writable = false;
    expect(await sensor.sample(open())).toMatchObject({ value: [{ writable: false }] });
  });

  it("has never more than one statfs under way, and gives up with its signal", async () => {
    const sensor = new StorageSensor({ writable: () => true }, { path: procRoot });
    const stop = new AbortController();
    const first = sensor.sample(stop.signal);
    const late = { ok: false, fault: { code: "E_SENSOR_TIMEOUT" } };
    expect(await sensor.sample(open())).toMatchObject(late);
    stop.abort();
    expect(await first).toMatchObject(late);
  });

  it("takes a data directory that is gone for a fault, not for something unsupported", async () => {
    const sensor = new StorageSensor({ writable: () => true }, { path: join(procRoot, "none") });
    expect(await sensor.sample(open())).toMatchObject({ fault: { code: "E_SENSOR_READ" } });
  });
});

describe("the process sensor", () => {
  it("sees a stall of the event loop, also one in the turn of the sample, and then forgets it", async () => {
    const sensor = new ProcessSensor({ clock: realClock });
    sensor.start();
    await delay(50);
    sensor.sample();
    const startMs = performance.now();
    while (performance.now() - startMs < 300);
    await delay(50);
    const stalled = sensor.sample();
    expect(stalled.ok && stalled.value.eventLoopDelayMaxMs).toBeGreaterThan(250);
    const after = sensor.sample();
    expect(after.ok && after.value.eventLoopDelayMaxMs).toBeLessThan(250);
    sensor.close();
  });

  it("tells memory and CPU time", () => {
    const sample = new ProcessSensor({ clock: realClock }).sample();
    if (!sample.ok) throw new Error(sample.fault.message);
    expect(sample.value.rssBytes).toBeGreaterThan(sample.value.heapUsedBytes);
    expect(sample.value.heapUsedBytes).toBeGreaterThan(1_000_000);
    expect(sample.value.cpuMs).toBeGreaterThan(1);
  });
});
