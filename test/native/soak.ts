/**
 * Loads, attaches, reads, detaches and closes over and over: `node test/native/soak.ts ROUNDS [BUILD]`.
 * With the addon of `native/build.mjs --asan` in BUILD, and libasan preloaded, a leak or a wrong
 * access ends it with a report (test/native/soak.sh does that, and valgrind). Needs root.
 */

import process from "node:process";
import { defaultMeshSettings, encodeSettings } from "../../src/ebpf/index.ts";
import { loadNative } from "../../src/ebpf/io/load-native.ts";
import type { NativeResult } from "../../src/ebpf/io/native-contract.ts";
import { vethLink } from "./veth-link.ts";

const rounds = Number(process.argv[2] ?? 100);
const probe = loadNative(process.argv[3]);
if (probe.kind !== "available") throw new Error(probe.why);
const { native, folder } = probe;
const link = vethLink();

function must<Value>(answer: NativeResult<Value>): Value {
  if (!answer.ok) throw new Error(`${answer.error.operation}: ${answer.error.name}`);
  return answer.value;
}

async function round(): Promise<void> {
  const { object } = must(await native.load(`${folder}/mesh.bpf.o`, ["meshmend_mesh"]));
  const key = new Uint8Array(4);
  must(native.mapPut(object, "settings", key, encodeSettings(defaultMeshSettings, 0)));
  const ring = must(native.ringOpen(object, "events", () => {}));
  const attached = must(native.attachXdp(object, "meshmend_mesh", link.index, "native"));
  const { nativeProgram } = must(native.queryXdp(link.index));
  must(native.programInfo(nativeProgram));
  must(native.mapRead(object, "neighbours"));
  must(native.mapRead(object, "interfaces"));
  must(await native.rtnlDump("links"));
  must(await native.rtnlCounters());
  const routes = must(native.netlinkSubscribe(0, [1], () => {}));
  // Refused where there is no batman-adv, after the family was asked for.
  await native.batadvRequest(8, true, new Uint8Array([8, 0, 3, 0, 1, 0, 0, 0]));
  // Refusals free what they hold, too.
  const again = native.attachXdp(object, "meshmend_mesh", link.index, "native");
  if (again.ok) throw new Error("attached twice");
  if ((await native.load("/nonexistent", [])).ok) throw new Error("loaded nothing");
  native.detach(attached);
  native.closePoll(ring);
  native.closePoll(routes);
  native.close(object);
  // Closing a poll ends in the next turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
}

/** Handles that wait for their collection would look like leaks. */
async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const mebibytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
try {
  for (let i = 0; i < Math.min(200, rounds); i++) await round();
  const before = mebibytes();
  for (let i = 200; i < rounds; i++) {
    await round();
    if (i % 1000 === 0) console.log(`round ${i}: ${mebibytes()} MiB resident`);
  }
  console.log(`${rounds} rounds: ${before} MiB resident after 200, ${mebibytes()} MiB at the end`);
} finally {
  await collect();
  link.remove();
}
