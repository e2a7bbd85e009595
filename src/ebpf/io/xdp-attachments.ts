/**
 * Keeps our XDP program on the wanted interfaces of a loaded object: registers each in the program's
 * tables, attaches by link, clears away what a crashed daemon left, and leaves strangers alone.
 */

import { failed, fault, type Logger, ok, type Result, unreachable } from "../../base/index.ts";
import {
  type Attachment,
  macBytes,
  meshProgramName,
  type Occupant,
  type PresentInterface,
  type Refusal,
  reconcile,
  type Step,
} from "../index.ts";
import { interfaceLayout, littleEndian, meshLimits } from "../mesh-abi.ts";
import type { LinkHandle, Native, ObjectHandle, XdpMode } from "./native-contract.ts";
import { type EbpfFault, nativeFault } from "./native-fault.ts";
import { occupantOf } from "./xdp-occupants.ts";

export interface AttachedInterface extends Attachment {
  readonly mode: XdpMode;
  /** Its place in the program's tables. */
  readonly place: number;
}

/** A wanted interface that is not watched, and why. */
export interface RefusedInterface {
  readonly name: string;
  readonly fault: EbpfFault;
}

type Held = AttachedInterface & { readonly link: LinkHandle };

/** A number as a map's key or value. */
export function uint32Bytes(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, littleEndian);
  return new Uint8Array(view.buffer);
}

export class XdpAttachments {
  readonly #native: Native;
  readonly #logger: Logger;
  readonly #object: ObjectHandle;
  readonly #modes: readonly XdpMode[];
  #held: readonly Held[] = [];

  /** `modes` in the order in which they are tried. */
  constructor(
    parts: { readonly native: Native; readonly logger: Logger; readonly object: ObjectHandle },
    options: { readonly modes: readonly XdpMode[] },
  ) {
    this.#native = parts.native;
    this.#logger = parts.logger;
    this.#object = parts.object;
    this.#modes = options.modes;
  }

  attached(): readonly AttachedInterface[] {
    return this.#held.map(({ link: _, ...attached }) => attached);
  }

  /** Idempotent: with the same names and links it does nothing. */
  async keepOn(names: readonly string[]): Promise<Result<readonly RefusedInterface[], EbpfFault>> {
    const present = await this.#present(names);
    if (!present.ok) return present;
    const { steps, refusals } = reconcile(names, present.value, this.#held);
    const refused: RefusedInterface[] = refusals.map((refusal) => ({
      name: refusal.name,
      fault: refusalFault(refusal),
    }));
    for (const step of steps) {
      const { name, done } = this.#carryOut(step);
      if (!done.ok) refused.push({ name, fault: done.fault });
    }
    return ok(refused);
  }

  detachAll(): void {
    for (const { link } of this.#held) this.#native.detach(link);
    this.#held = [];
  }

  #carryOut(step: Step): { readonly name: string; readonly done: Result<void, EbpfFault> } {
    switch (step.kind) {
      case "detach":
        return { name: step.attachment.name, done: this.#detach(step.attachment, step.reason) };
      case "remove":
        return { name: step.on.name, done: this.#removeLeftover(step.on, step.leftover) };
      case "attach":
        return { name: step.to.name, done: this.#attach(step.to) };
      default:
        return unreachable(step);
    }
  }

  async #present(names: readonly string[]): Promise<Result<PresentInterface[], EbpfFault>> {
    const dump = await this.#native.rtnlDump("links");
    if (!dump.ok) return failed(nativeFault(dump.error, "listing interfaces"));
    const present: PresentInterface[] = [];
    for (const { name, index, address } of dump.value.links) {
      const ours = this.#held.some((held) => held.index === index);
      const asked = ours || !names.includes(name) ? null : await occupantOf(this.#native, index);
      // One that vanished while we asked is simply not there.
      if (asked !== null && !asked.ok && asked.fault.code === "E_NO_SUCH_INTERFACE") continue;
      if (asked !== null && !asked.ok) return asked;
      present.push({ name, index, address, occupant: asked?.value ?? null });
    }
    return ok(present);
  }

  #attach(to: PresentInterface): Result<void, EbpfFault> {
    const mac = macBytes(to.address);
    if (mac === null) return failed(fault("E_INVALID_ADDRESS", `${to.address} of ${to.name}`));
    const place = freePlace(
      to.index,
      this.#held.map((held) => held.place),
    );
    if (place === null) {
      return failed(fault("E_TABLE_FULL", `no place for interface ${to.name} in the kernel table`));
    }
    const value = new Uint8Array(interfaceLayout.bytes);
    value.set(mac, interfaceLayout.mac);
    for (const [map, bytes] of [
      ["interfaces", value],
      ["places", uint32Bytes(to.index)],
    ] as const) {
      const put = this.#native.mapPut(this.#object, map, uint32Bytes(place), bytes);
      if (!put.ok) return failed(nativeFault(put.error, `registering ${to.name}`));
    }
    const attached = this.#attachInSomeMode(to);
    if (!attached.ok) {
      this.#native.mapPut(this.#object, "places", uint32Bytes(place), uint32Bytes(0));
      return attached;
    }
    const { name, index, address } = to;
    this.#held = [...this.#held, { name, index, address, place, ...attached.value }];
    this.#logger.info("watching interface", { interface: name, mode: attached.value.mode });
    return ok(undefined);
  }

  #attachInSomeMode({
    name,
    index,
  }: PresentInterface): Result<{ readonly link: LinkHandle; readonly mode: XdpMode }, EbpfFault> {
    let last: EbpfFault = fault("E_KERNEL_REFUSED", `no XDP mode is allowed for ${name}`);
    for (const mode of this.#modes) {
      const link = this.#native.attachXdp(this.#object, meshProgramName, index, mode);
      if (link.ok) return ok({ link: link.value, mode });
      if (link.error.name === "EBUSY" || link.error.name === "EEXIST") {
        return failed(fault("E_XDP_OCCUPIED", `another XDP program came onto ${name} just now`));
      }
      last = nativeFault(link.error, `attaching to ${name} in ${mode} mode`);
      this.#logger.debug("XDP mode refused", { interface: name, mode, reason: last.message });
    }
    return failed(last);
  }

  #detach(attachment: Attachment, reason: string): Result<void, EbpfFault> {
    const held = this.#held.find(({ index }) => index === attachment.index);
    if (held === undefined) return ok(undefined);
    this.#native.detach(held.link);
    this.#held = this.#held.filter((other) => other !== held);
    this.#logger.info("no longer watching interface", { interface: held.name, reason });
    const place = uint32Bytes(held.place);
    const freed = this.#native.mapPut(this.#object, "places", place, uint32Bytes(0));
    return freed.ok ? ok(undefined) : failed(nativeFault(freed.error, `releasing ${held.name}`));
  }

  #removeLeftover(on: PresentInterface, leftover: Occupant): Result<void, EbpfFault> {
    const what = `removing program ${leftover.programId}, left behind on ${on.name}`;
    if (leftover.mode === "offloaded") return failed(fault("E_KERNEL_REFUSED", what));
    for (const link of leftover.links) {
      const broken = this.#native.breakLink(link);
      if (!broken.ok && broken.error.name !== "ENOENT") {
        return failed(nativeFault(broken.error, what));
      }
    }
    if (leftover.links.length === 0) {
      const removed = this.#native.removeXdp(on.index, leftover.mode, leftover.programId);
      if (!removed.ok) return failed(nativeFault(removed.error, what));
    }
    this.#logger.warn("removed what a crashed daemon left behind", {
      interface: on.name,
      program: leftover.programId,
    });
    return ok(undefined);
  }
}

/** The first free place of those that the kernel program probes for this index. */
function freePlace(ifindex: number, taken: readonly number[]): number | null {
  for (let i = 0; i < meshLimits.probes; i++) {
    const place = (ifindex + i) % meshLimits.interfacePlaces;
    if (!taken.includes(place)) return place;
  }
  return null;
}

function refusalFault(refusal: Refusal): EbpfFault {
  switch (refusal.kind) {
    case "missing":
      return fault("E_NO_SUCH_INTERFACE", `there is no interface ${refusal.name}`);
    case "unsuitable":
      return fault("E_NO_SUCH_INTERFACE", `${refusal.name} is not an Ethernet interface`);
    case "occupied": {
      const { programName: name, programId, mode, held } = refusal.occupant;
      const who = `the XDP program ${name || "without a name"} (id ${programId}, ${mode})`;
      const remedy =
        name === meshProgramName
          ? `another meshmend watches it (held ${held.replaceAll("-", " ")}): stop that one`
          : "detach it, or leave this interface out of meshmend's list";
      return fault("E_XDP_OCCUPIED", `${refusal.name} carries ${who} already`, remedy);
    }
    default:
      return unreachable(refusal);
  }
}
