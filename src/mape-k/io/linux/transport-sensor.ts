/** Samples TCP's counters: two small procfs reads, no file descriptor kept. */

import { readFileSync } from "node:fs";
import { failed, type Result } from "../../../base/index.ts";
import type { Sensor } from "../../monitor/sensor.ts";
import type { TransportReading } from "../../observation.ts";
import { readFault } from "./errno.ts";
import type { KernelRoots } from "./kernel-roots.ts";
import { parseTransport } from "./proc-net-snmp.ts";

export class TransportSensor implements Sensor<TransportReading> {
  readonly #snmpPath: string;
  readonly #netstatPath: string;

  constructor(options: Pick<KernelRoots, "procRoot">) {
    this.#snmpPath = `${options.procRoot}/net/snmp`;
    this.#netstatPath = `${options.procRoot}/net/netstat`;
  }

  sample(): Result<TransportReading> {
    let path = this.#snmpPath;
    try {
      const snmp = readFileSync(path, "latin1");
      path = this.#netstatPath;
      return parseTransport(snmp, readFileSync(path, "latin1"));
    } catch (thrown) {
      return failed(readFault(thrown, path));
    }
  }
}
