/**
 * Samples the file system under the data directory. A statfs of a dead network mount never ends and
 * holds a thread of libuv's pool, so there is never more than one under way.
 */

import { statfs } from "node:fs/promises";
import { failed, fault, ok, type Result } from "../../../base/index.ts";
import type { Sensor } from "../../monitor/sensor.ts";
import type { StorageReading } from "../../observation.ts";
import { errnoOf, readFault } from "./errno.ts";

export interface StorageSensorParts {
  /** False once a write to the data directory was refused; whoever writes there knows. */
  readonly writable: () => boolean;
}

export class StorageSensor implements Sensor<readonly StorageReading[]> {
  readonly #writable: () => boolean;
  readonly #path: string;
  #pending: Promise<Result<readonly StorageReading[]>> | null = null;

  constructor(parts: StorageSensorParts, options: { readonly path: string }) {
    this.#writable = parts.writable;
    this.#path = options.path;
  }

  sample(signal: AbortSignal): Promise<Result<readonly StorageReading[]>> {
    if (this.#pending !== null) return Promise.resolve(this.#late("still under way"));
    if (signal.aborted) return Promise.resolve(this.#late("not begun"));
    const pending = this.#read().finally(() => {
      this.#pending = null;
    });
    this.#pending = pending;
    return new Promise((resolve, reject) => {
      const abort = () => resolve(this.#late("not answered in time"));
      signal.addEventListener("abort", abort, { once: true });
      pending.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  #late(how: string): Result<never> {
    return failed(fault("E_SENSOR_TIMEOUT", `statfs of ${this.#path}: ${how}`));
  }

  async #read(): Promise<Result<readonly StorageReading[]>> {
    try {
      const seen = await statfs(this.#path);
      return ok([
        {
          path: this.#path,
          totalBytes: seen.blocks * seen.bsize,
          availableBytes: seen.bavail * seen.bsize,
          writable: this.#writable(),
        },
      ]);
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") {
        const message = `there is no data directory ${this.#path}`;
        return failed(fault("E_SENSOR_READ", message, "meshmend makes one when it starts"));
      }
      return failed(readFault(thrown, this.#path));
    }
  }
}
