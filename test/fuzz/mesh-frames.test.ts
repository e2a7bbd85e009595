/**
 * Hostile frames through mesh.bpf.c, with BPF_PROG_TEST_RUN: every count is that of a model which
 * knows only the formats, and the tables stay within their bounds. `npm run test:soak`: a million.
 */

import process from "node:process";
import { expect, type TestContext, test } from "vitest";
import { seededRandom } from "../../src/base/index.ts";
import {
  decodeInterface,
  decodeNeighbours,
  decodePaths,
  defaultMeshSettings,
  encodeSettings,
  macBytes,
  type StreamReading,
} from "../../src/ebpf/index.ts";
import type { Native, ObjectHandle } from "../../src/ebpf/io/native-contract.ts";
import { interfaceLayout, meshLimits } from "../../src/ebpf/mesh-abi.ts";
import { runOf } from "../native/frames.ts";
import { HostileFrames } from "../native/hostile-frames.ts";
import { MeshModel, type ModelStream } from "../native/mesh-model.ts";
import { nativeOrSkip } from "../native/veth-link.ts";

const soak = process.env["MESHMEND_SOAK"] === "1";
const frameCount = soak ? 1_000_000 : 40_000;
const ownAddress = "02:00:00:00:00:ee";
const loopback = 1;
const key = (number: number) => new Uint8Array(new Uint32Array([number]).buffer);

function must<Value>(answer: { ok: true; value: Value } | { ok: false; error: object }): Value {
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

async function loadedMesh(context: TestContext): Promise<{ native: Native; object: ObjectHandle }> {
  const { native, folder } = nativeOrSkip(context);
  const { object } = must(await native.load(`${folder}/mesh.bpf.o`, ["meshmend_mesh"]));
  context.onTestFinished(() => void native.close(object));
  // Nobody is forgotten, and nothing announced, while the fuzzer runs.
  const settings = {
    ...defaultMeshSettings,
    announceNeighbours: false,
    defaultIntervalMs: 100_000,
    forgetAfterMs: 1e9,
  };
  must(native.mapPut(object, "settings", key(0), encodeSettings(settings, 0)));
  const value = new Uint8Array(interfaceLayout.bytes);
  value.set(macBytes(ownAddress) ?? [], interfaceLayout.mac);
  must(native.mapPut(object, "interfaces", key(loopback), value));
  must(native.mapPut(object, "places", key(loopback), key(loopback)));
  return { native, object };
}

function figures(stream: ModelStream | StreamReading) {
  const { messages, lost, duplicates, reordered, strays, restarts, highest } = stream;
  return { messages, lost, duplicates, reordered, strays, restarts, highest };
}

function readAll(native: Native, object: ObjectHandle) {
  const neighbours = decodeNeighbours(must(native.mapRead(object, "neighbours")), 0);
  const paths = decodePaths(must(native.mapRead(object, "paths")), 0);
  const value = must(native.mapGet(object, "interfaces", key(loopback))) ?? new Uint8Array();
  return { neighbours, paths, counters: decodeInterface(loopback, value) };
}

test.for([
  { name: "few senders, long streams", strangers: 0.0002, seed: 1 },
  { name: "a flood of invented addresses, full tables", strangers: 0.6, seed: 2 },
])("$name: no wrong count", async ({ strangers, seed }, context) => {
  const { native, object } = await loadedMesh(context);
  const hostile = new HostileFrames(seededRandom(seed), { ownAddress, strangers });
  const model = new MeshModel(ownAddress, {
    neighbours: meshLimits.maxNeighbours,
    paths: meshLimits.maxPaths,
  });
  for (let sent = 0; sent < frameCount; sent += 1000) {
    const frames = Array.from({ length: 1000 }, () => hostile.next());
    for (const frame of frames) model.see(frame);
    const { verdicts } = must(native.testRun(object, "meshmend_mesh", runOf(frames), loopback, 1));
    // No filter is set: everything passes (XDP_PASS).
    expect(verdicts.every((verdict) => verdict === 2)).toBe(true);
  }
  const { neighbours, paths, counters } = readAll(native, object);
  // Full rings and kernel memory are the machine's business, not the frames'.
  const ours = (name: string) => name !== "event-lost" && name !== "timer-failed";
  const nonZero = (record: object) =>
    Object.fromEntries(Object.entries(record).filter(([name, n]) => n !== 0 && ours(name)));
  expect(nonZero(counters.frames)).toEqual(model.frames);
  expect(nonZero(counters.bytes)).toEqual(model.bytes);
  expect(nonZero(counters.verdicts)).toEqual(model.verdicts);
  expect(nonZero(counters.troubles)).toEqual(model.troubles);
  expect(counters.ogms).toBe(model.ogms);

  expect(neighbours.length).toBeLessThanOrEqual(meshLimits.maxNeighbours);
  expect(paths.length).toBeLessThanOrEqual(meshLimits.maxPaths);
  // Where memory for a timer was short, a later frame got it.
  const busy = neighbours.filter(({ frames }) => frames > 1000);
  expect(busy.every(({ timed }) => timed)).toBe(true);
  expect(new Map(neighbours.map(({ address, frames }) => [address, frames]))).toEqual(
    model.neighbours,
  );
  const direct = neighbours.flatMap(({ address, streams }) =>
    Object.entries(streams).flatMap(([name, stream]) =>
      stream === null ? [] : [[`${address}/${name}`, figures(stream)] as const],
    ),
  );
  expect(new Map(direct)).toEqual(
    new Map([...model.direct].map(([name, stream]) => [name, figures(stream)])),
  );
  const passedOn = paths.map(({ neighbour, originator, protocol, stream }) => {
    return [`${neighbour}/${originator}/${protocol}`, figures(stream)] as const;
  });
  expect(new Map(passedOn)).toEqual(
    new Map([...model.paths].map(([name, stream]) => [name, figures(stream)])),
  );
});
