/**
 * Finds the addon that native/build.mjs builds. The node runs without it, so the answer has three
 * values: it is there, it is absent (and what would bring it), or it is there and cannot be judged.
 */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { messageOf } from "../../base/index.ts";
import type { Native } from "./native-contract.ts";

export type NativeProbe =
  | { readonly kind: "available"; readonly native: Native; readonly folder: string }
  | { readonly kind: "absent"; readonly why: string; readonly needs: string }
  | { readonly kind: "unknown"; readonly why: string };

/** The same for src/ebpf/io and for dist/ebpf/io. */
const builtFolder = path.join(import.meta.dirname, "../../../native/build");

const howToBuild =
  "run `node native/build.mjs` (Debian: apt-get install clang llvm gcc libbpf-dev libelf-dev " +
  "zlib1g-dev linux-libc-dev)";

/** Every function of the contract; an addon that lacks one is of another version. */
const functions: readonly (keyof Native)[] = [
  ...(["linkObjects", "load", "close", "attachXdp", "attachTracing", "attachCgroup"] as const),
  ...(["detach", "queryXdp", "programInfo", "linksOf", "removeXdp", "breakLink"] as const),
  ...(["testRun", "mapGet", "mapPut", "mapDelete", "mapRead", "ringOpen", "closePoll"] as const),
  ...(["probeProgramType", "probeMapType", "probeHelper", "enumNames"] as const),
  ...(["netlinkRequest", "netlinkSubscribe", "rtnlDump", "rtnlDecode", "rtnlSetLink"] as const),
  "rtnlCounters",
  "batadvRequest",
  "sendDatagram",
];

/** `folder` holds `meshmend.node` and the BPF objects. */
export function loadNative(folder: string = builtFolder): NativeProbe {
  if (process.platform !== "linux") {
    return { kind: "absent", why: `this is ${process.platform}`, needs: "Linux 6.1 or newer" };
  }
  const file = path.resolve(folder, "meshmend.node");
  if (!existsSync(file)) {
    return { kind: "absent", why: `${file} does not exist`, needs: howToBuild };
  }
  let loaded: unknown;
  try {
    loaded = createRequire(import.meta.url)(file);
  } catch (thrown) {
    return notLoaded(messageOf(thrown));
  }
  const lacking = functions.filter(
    (name) => typeof Reflect.get(Object(loaded), name) !== "function",
  );
  if (lacking.length > 0) {
    const why = `${file} is of another version: it lacks ${lacking.join(", ")}`;
    return { kind: "absent", why, needs: howToBuild };
  }
  return { kind: "available", native: loaded as Native, folder };
}

/** dlopen(3)'s sentence names a missing library; anything else we cannot explain. */
function notLoaded(why: string): NativeProbe {
  const library = /(lib[\w.+-]+): cannot open shared object/.exec(why)?.[1];
  if (library === undefined) return { kind: "unknown", why };
  const needs = library.startsWith("libbpf") ? "apt-get install libbpf1" : `the library ${library}`;
  return { kind: "absent", why, needs };
}
