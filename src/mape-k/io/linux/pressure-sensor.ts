/** Samples pressure stall information, and knows what to do when the kernel keeps none. */

import { readFileSync } from "node:fs";
import { failed, fault, ok, type Result } from "../../../base/index.ts";
import type { Sensor } from "../../monitor/sensor.ts";
import type { PressureReading, PressureResource } from "../../observation.ts";
import { readFault } from "./errno.ts";
import type { KernelRoots } from "./kernel-roots.ts";
import { parsePressure } from "./proc-pressure.ts";

const resources: readonly PressureResource[] = ["cpu", "memory", "io"];

export class PressureSensor implements Sensor<readonly PressureReading[]> {
  readonly #folder: string;

  constructor(options: Pick<KernelRoots, "procRoot">) {
    this.#folder = `${options.procRoot}/pressure`;
  }

  sample(): Result<readonly PressureReading[]> {
    const readings: PressureReading[] = [];
    for (const resource of resources) {
      const reading = this.#read(resource);
      if (!reading.ok) return reading;
      readings.push(reading.value);
    }
    return ok(readings);
  }

  #read(resource: PressureResource): Result<PressureReading> {
    const path = `${this.#folder}/${resource}`;
    try {
      return parsePressure(resource, readFileSync(path, "latin1"));
    } catch (thrown) {
      const cause = readFault(thrown, path);
      if (cause.code !== "E_NOT_SUPPORTED") return failed(cause);
      const remedy = "boot with psi=1 on a kernel built with CONFIG_PSI";
      return failed(fault("E_NOT_SUPPORTED", "this kernel keeps no pressure information", remedy));
    }
  }
}
