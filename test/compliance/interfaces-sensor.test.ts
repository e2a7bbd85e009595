import { loadNative } from "../../src/ebpf/io/load-native.ts";
import { InterfacesSensor } from "../../src/mape-k/io/index.ts";
import { interfacesSensorComplies } from "./interfaces-sensor.ts";
import { sensorInNamespace } from "./support/sensor-in-namespace.ts";

interfacesSensorComplies("InterfacesSensor", null, ({ roots }, watched) => {
  const sensor = new InterfacesSensor({ ...roots, ...watched });
  return { sample: async () => sensor.sample(), close: async () => sensor.close() };
});

const probe = loadNative();
const missing = probe.kind === "available" ? null : `needs the native addon: ${probe.why}`;
interfacesSensorComplies("NetlinkInterfacesSensor", missing, sensorInNamespace);
