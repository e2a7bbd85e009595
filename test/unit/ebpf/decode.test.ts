import { describe, expect, it } from "vitest";
import {
  decodeDrops,
  decodeEvents,
  decodeFilter,
  decodeLatencies,
  decodeNeighbours,
  decodePaths,
  defaultMeshSettings,
  encodeSettings,
  latencyQuantileUs,
  macBytes,
} from "../../../src/ebpf/index.ts";
import { latencyLayout } from "../../../src/ebpf/latency-abi.ts";
import {
  eventLayout,
  littleEndian,
  neighbourKeyLayout,
  neighbourLayout,
  pathKeyLayout,
  pathLayout,
  settingsLayout,
  streamLayout,
} from "../../../src/ebpf/mesh-abi.ts";

const neighbour = macBytes("02:00:00:00:00:0a") ?? new Uint8Array();
const originator = macBytes("02:00:00:00:00:ff") ?? new Uint8Array();

function memory(bytes: number, write: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const array = new Uint8Array(bytes);
  write(new DataView(array.buffer), array);
  return array;
}

function writeStream(view: DataView, at: number): void {
  const big = (offset: number, value: bigint) =>
    view.setBigUint64(at + offset, value, littleEndian);
  big(streamLayout.receivedBits, 0xffffffff_ffffffdbn);
  big(streamLayout.messages, 60n);
  big(streamLayout.lost, 2n);
  big(streamLayout.lastNs, 7_000_000_000n);
  view.setUint32(at + streamLayout.highest, 0xfffffff0, littleEndian);
  view.setUint8(at + streamLayout.window, 40);
  view.setUint8(at + streamLayout.bursting, 1);
}

describe("decoding", () => {
  it("reads a neighbour, its streams, and what is missing in the window", () => {
    const keys = memory(neighbourKeyLayout.bytes, (view, bytes) => {
      view.setUint32(neighbourKeyLayout.ifindex, 5, littleEndian);
      bytes.set(neighbour, neighbourKeyLayout.mac);
    });
    const values = memory(neighbourLayout.bytes, (view) => {
      view.setUint32(neighbourLayout.state, 2, littleEndian);
      view.setBigUint64(neighbourLayout.firstNs, 1_000_000_000n, littleEndian);
      view.setBigUint64(neighbourLayout.lastNs, 7_000_000_000n, littleEndian);
      view.setUint32(neighbourLayout.intervalUs, 500_000, littleEndian);
      writeStream(view, neighbourLayout.streams + streamLayout.bytes);
    });
    const [found] = decodeNeighbours({ count: 1, keys, values }, 10e9);
    expect(found).toMatchObject({
      ifindex: 5,
      address: "02:00:00:00:00:0a",
      silent: true,
      ageMs: 3000,
      knownMs: 9000,
      intervalMs: 500,
      timed: false,
      streams: { elp: null, ogm2: null, "iv-echo": null },
    });
    expect(found?.streams["iv-ogm"]).toMatchObject({
      messages: 60,
      lost: 2,
      highest: 0xfffffff0,
      window: 40,
      windowLost: 2,
      receivedBits: 0xffffffdb,
      ageMs: 3000,
      bursting: true,
    });
  });

  it.each([
    [1, 0n, 1],
    [31, 0n, 31],
    [32, 0xffffffffn, 0],
    [33, 0xffffffffn, 1],
    [64, 0n, 64],
    [64, 0xffffffff_ffffffffn, 0],
    [64, 1n << 63n, 63],
  ])("a window of %i bits %d has %i missing", (window, bits, missing) => {
    const values = memory(pathLayout.bytes, (view) => {
      view.setUint8(pathLayout.stream + streamLayout.window, window);
      view.setBigUint64(pathLayout.stream + streamLayout.receivedBits, bits, littleEndian);
    });
    const keys = new Uint8Array(pathKeyLayout.bytes);
    expect(decodePaths({ count: 1, keys, values }, 0)[0]?.stream.windowLost).toBe(missing);
  });

  it("reads a path, and leaves out one that nothing was counted for yet", () => {
    const keys = memory(2 * pathKeyLayout.bytes, (view, bytes) => {
      view.setUint32(pathKeyLayout.ifindex, 5, littleEndian);
      bytes.set(neighbour, pathKeyLayout.neighbour);
      bytes.set(originator, pathKeyLayout.originator);
      view.setUint8(pathKeyLayout.protocol, 5);
    });
    const values = memory(2 * pathLayout.bytes, (view) => writeStream(view, pathLayout.stream));
    expect(decodePaths({ count: 2, keys, values }, 10e9)).toMatchObject([
      {
        ifindex: 5,
        neighbour: "02:00:00:00:00:0a",
        originator: "02:00:00:00:00:ff",
        protocol: "ogm2",
        stream: { messages: 60 },
      },
    ]);
  });

  it("reads the events it knows and counts those it cannot read", () => {
    const record = (kind: number, length: number = eventLayout.bytes) =>
      memory(8 + Math.ceil(length / 8) * 8, (view, bytes) => {
        view.setUint32(0, length, littleEndian);
        if (length < eventLayout.bytes) return;
        view.setUint32(8 + eventLayout.kind, kind, littleEndian);
        view.setUint32(8 + eventLayout.value, 1500, littleEndian);
        bytes.set(neighbour, 8 + eventLayout.neighbour);
      });
    const batch = Buffer.concat([record(2), record(99), record(1, 12), record(3)]);
    expect(decodeEvents(batch)).toMatchObject({
      events: [
        { kind: "silent", neighbour: "02:00:00:00:00:0a", value: 1500 },
        { kind: "returned" },
      ],
      unreadable: 2,
    });
    // Cut off in the middle of a record.
    expect(decodeEvents(batch.subarray(0, 20))).toEqual({ events: [], unreadable: 1 });
    expect(decodeEvents(new Uint8Array(0))).toEqual({ events: [], unreadable: 0 });
  });

  it.each(["", "02:00", "02-00-00-00-00-01", "02:00:00:00:00:0g", "02:00:00:00:00:01:02"])(
    "%j is no address",
    (text) => expect(macBytes(text)).toBeNull(),
  );
});

describe("settings", () => {
  it("turns a rate into an interval and a burst into the time it may run ahead", () => {
    const limited = { ...defaultMeshSettings, broadcastLimit: { perSecond: 50, burst: 11 } };
    const view = new DataView(encodeSettings(limited, 3).buffer);
    expect(view.getBigUint64(settingsLayout.broadcastIntervalNs, littleEndian)).toBe(20_000_000n);
    expect(view.getBigUint64(settingsLayout.broadcastBurstNs, littleEndian)).toBe(200_000_000n);
    expect(view.getUint32(settingsLayout.denied, littleEndian)).toBe(3);
  });

  it.each([1, 3, 7, 50, 100_000])("say again that %d broadcasts a second pass", (perSecond) => {
    const broadcastLimit = { perSecond, burst: 11 };
    const bytes = encodeSettings({ ...defaultMeshSettings, broadcastLimit }, 1);
    const keys = new Uint8Array([2, 0, 0, 0, 0, 9, 0, 0]);
    const denied = { count: 1, keys, values: new Uint8Array(8) };
    const filter = { denied: ["02:00:00:00:00:09"], broadcastLimit };
    expect(decodeFilter(bytes, denied)).toEqual(filter);
    // An entry the program does not look for is not in force.
    const off = encodeSettings(defaultMeshSettings, 0);
    expect(decodeFilter(off, denied)).toEqual({ denied: [], broadcastLimit: null });
  });

  it("without a limit and without bursts, both are zero, which the program reads as off", () => {
    const view = new DataView(encodeSettings({ ...defaultMeshSettings, burst: null }, 0).buffer);
    expect(view.getBigUint64(settingsLayout.broadcastIntervalNs, littleEndian)).toBe(0n);
    expect(view.getUint8(settingsLayout.burstLost)).toBe(0);
  });
});

describe("latency", () => {
  it("gives the mean of those that were timed, and quantiles that are never too small", () => {
    const values = memory(latencyLayout.bytes, (view) => {
      view.setBigUint64(8 * 3, 90n, littleEndian);
      view.setBigUint64(8 * 10, 10n, littleEndian);
      view.setBigUint64(latencyLayout.totalNs, 11_000_000n, littleEndian);
      view.setBigUint64(latencyLayout.sent, 120n, littleEndian);
      view.setBigUint64(latencyLayout.unmatched, 20n, littleEndian);
    });
    const [found] = decodeLatencies({ count: 1, keys: new Uint8Array([9, 0, 0, 0]), values });
    expect(found).toMatchObject({ meanUs: 110, sent: 120, unmatched: 20 });
    expect(latencyQuantileUs(found?.buckets ?? [], 0.5)).toBe(16);
    expect(latencyQuantileUs(found?.buckets ?? [], 0.99)).toBe(2048);
    expect(latencyQuantileUs([0, 0], 0.5)).toBeNull();
  });

  it("names a drop's reason as the kernel does, and by number where it does not", () => {
    const keys = new Uint8Array(new Uint32Array([3, 45, 0, 99]).buffer);
    const values = new Uint8Array(new BigUint64Array([7n, 8n]).buffer);
    const names = { SKB_NOT_DROPPED_YET: 0, SKB_DROP_REASON_QDISC_DROP: 45 };
    expect(decodeDrops({ count: 2, keys, values }, names)).toEqual([
      { ifindex: 3, reason: "QDISC_DROP", packets: 7 },
      { ifindex: 0, reason: "99", packets: 8 },
    ]);
  });
});
