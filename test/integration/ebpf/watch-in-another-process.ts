/** A process of its own that watches one interface until it is killed: `node THIS INTERFACE`. */

import process from "node:process";
import { silentLogger } from "../../../src/base/index.ts";
import { defaultMeshSettings } from "../../../src/ebpf/index.ts";
import { loadNative } from "../../../src/ebpf/io/load-native.ts";
import { MeshWatch } from "../../../src/ebpf/io/mesh-watch.ts";

const [name = ""] = process.argv.slice(2);
const probe = loadNative();
if (probe.kind !== "available") throw new Error(probe.why);
const watch = new MeshWatch(
  { native: probe.native, logger: silentLogger, onEvents: () => {} },
  { folder: probe.folder, modes: ["native", "generic"], settings: defaultMeshSettings },
);
const started = await watch.start();
if (!started.ok) throw new Error(started.fault.message);
const watched = await watch.watch([name]);
if (!watched.ok || watched.value.attached.length === 0) throw new Error(JSON.stringify(watched));
console.log("watching");
