/**
 * One interface's sysfs attributes behind file descriptors that stay open: reading through a kept
 * descriptor costs a tenth of opening and closing the file. A descriptor belongs to the device, not
 * to its name: it follows a rename, and answers ENODEV once the device is gone.
 */

import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import type { OperState } from "../../observation.ts";
import { errnoOf } from "./errno.ts";
import { parseCount, parseInterfaceFlags, parseOperState } from "./sysfs-interface.ts";

export interface InterfaceState {
  /** IFF_UP. */
  readonly adminUp: boolean;
  readonly operState: OperState;
  readonly carrierChanges: number;
}

/** What a kept interface can answer besides its state. */
export type Absence = "gone" | "malformed";

/** Any attribute is one short line; sysfs hands out at most a page. */
const buffer = Buffer.allocUnsafe(64);

export class KeptInterface {
  readonly index: number;
  readonly loopback: boolean;
  mtuBytes: number;
  stacked: boolean;
  readonly #descriptors: readonly [flags: number, operState: number, carrierChanges: number];

  #lastState: InterfaceState | null = null;

  private constructor(
    identity: Identity & { readonly loopback: boolean },
    descriptors: readonly [number, number, number],
  ) {
    this.index = identity.index;
    this.mtuBytes = identity.mtuBytes;
    this.stacked = identity.stacked;
    this.loopback = identity.loopback;
    this.#descriptors = descriptors;
  }

  /** Opens `/sys/class/net/<name>`. Throws what the system throws when it is out of descriptors. */
  static open(folder: string): KeptInterface | Absence {
    const opened: number[] = [];
    try {
      const identity = readIdentity(folder);
      if (typeof identity === "string") return identity;
      const keep = (attribute: string): number => {
        const descriptor = openSync(`${folder}/${attribute}`, "r");
        opened.push(descriptor);
        return descriptor;
      };
      const kept = [keep("flags"), keep("operstate"), keep("carrier_changes")] as const;
      const flags = parseInterfaceFlags(readText(kept[0]));
      if (flags !== null) return new KeptInterface({ ...identity, loopback: flags.loopback }, kept);
      for (const descriptor of opened) closeSync(descriptor);
      return "malformed";
    } catch (thrown) {
      for (const descriptor of opened) closeSync(descriptor);
      if (isGone(thrown)) return "gone";
      throw thrown;
    }
  }

  /**
   * One to three system calls. Carrier changes are read when they are asked for, and when the state
   * has changed. The flags are read only when the operational state is "down":
   * `operstate_show()` (net/core/net-sysfs.c) answers that for every interface that is not running,
   * so any other state means that IFF_UP is set.
   */
  readState(withCarrierChanges: boolean): InterfaceState | Absence {
    const [flagsFile, operStateFile, carrierChangesFile] = this.#descriptors;
    const last = this.#lastState;
    try {
      const operState = parseOperState(readText(operStateFile));
      if (operState === null) return "malformed";
      const carrierChanges =
        last === null || withCarrierChanges || last.operState !== operState
          ? parseCount(readText(carrierChangesFile))
          : last.carrierChanges;
      const flags =
        operState === "down" ? parseInterfaceFlags(readText(flagsFile)) : { adminUp: true };
      if (carrierChanges === null || flags === null) return "malformed";
      this.#lastState = { adminUp: flags.adminUp, operState, carrierChanges };
      return this.#lastState;
    } catch (thrown) {
      if (isGone(thrown)) return "gone";
      throw thrown;
    }
  }

  /** As of the last reading; null before the first. */
  get lastState(): InterfaceState | null {
    return this.#lastState;
  }

  /** Refreshes the MTU and what it stands on; "gone" when `folder` is another device than the one kept. */
  refresh(folder: string): "same" | Absence {
    try {
      const identity = readIdentity(folder);
      if (typeof identity === "string") return identity;
      if (identity.index !== this.index) return "gone";
      this.mtuBytes = identity.mtuBytes;
      this.stacked = identity.stacked;
      return "same";
    } catch (thrown) {
      if (isGone(thrown)) return "gone";
      throw thrown;
    }
  }

  close(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
  }
}

interface Identity {
  readonly index: number;
  readonly mtuBytes: number;
  readonly stacked: boolean;
}

function readIdentity(folder: string): Identity | "malformed" {
  const index = parseCount(readOnce(`${folder}/ifindex`));
  const mtuBytes = parseCount(readOnce(`${folder}/mtu`));
  if (index === null || mtuBytes === null) return "malformed";
  // A link `lower_<name>` for each device below (netdev_adjacent_sysfs_add, net/core/dev.c).
  const stacked = readdirSync(folder).some((entry) => entry.startsWith("lower_"));
  return { index, mtuBytes, stacked };
}

function readOnce(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    return readText(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readText(descriptor: number): string {
  return buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, buffer.length, 0));
}

/** EINVAL is what `netdev_show()` answers while the device is being unregistered. */
function isGone(thrown: unknown): boolean {
  const errno = errnoOf(thrown);
  return errno === "ENODEV" || errno === "ENOENT" || errno === "EINVAL" || errno === "ENXIO";
}
