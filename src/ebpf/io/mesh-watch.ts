/**
 * Runs mesh.bpf.c: loads it, keeps it on the wanted interfaces, reads what it counted, hands on its
 * events, and sets its filter. The decisions are in the core; here they are carried out.
 */

import path from "node:path";
import process from "node:process";
import {
  failed,
  fault,
  type Health,
  type HealthSource,
  healthy,
  type Logger,
  ok,
  type Result,
} from "../../base/index.ts";
import {
  type Attachment,
  decodeEvents,
  decodeInterface,
  decodeNeighbours,
  decodePaths,
  encodeSettings,
  type InterfaceCounters,
  type MeshEvent,
  type MeshSettings,
  macBytes,
  meshProgramName,
  type NeighbourReading,
  type PathReading,
  type PresentInterface,
  type Refusal,
  reconcile,
  stalePaths,
} from "../index.ts";
import {
  interfaceLayout,
  littleEndian,
  meshLimits,
  pathKeyLayout,
  protocols,
} from "../mesh-abi.ts";
import type { LinkHandle, Native, ObjectHandle, PollHandle, XdpMode } from "./native-contract.ts";
import { type EbpfFault, nativeFault } from "./native-fault.ts";
import { occupantOf } from "./xdp-occupants.ts";

export interface MeshWatchOptions {
  /** Holds mesh.bpf.o. */
  readonly folder: string;
  readonly settings: MeshSettings;
  /** Modes in the order in which they are tried. */
  readonly modes: readonly XdpMode[];
}

export interface AttachedInterface extends Attachment {
  readonly mode: XdpMode;
}

/** What `watch` came to. */
export interface Watched {
  readonly attached: readonly AttachedInterface[];
  /** Wanted interfaces that are not watched, and why. */
  readonly refused: readonly { readonly name: string; readonly fault: EbpfFault }[];
}

export interface MeshReading {
  readonly interfaces: readonly InterfaceCounters[];
  readonly neighbours: readonly NeighbourReading[];
  readonly paths: readonly PathReading[];
}

type Held = AttachedInterface & { readonly link: LinkHandle; readonly place: number };

function uint32Bytes(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, littleEndian);
  return new Uint8Array(view.buffer);
}

export class MeshWatch implements HealthSource {
  readonly component = "mesh-watch";
  readonly #native: Native;
  readonly #logger: Logger;
  readonly #onEvents: (events: readonly MeshEvent[]) => void;
  readonly #options: MeshWatchOptions;
  #settings: MeshSettings;
  #object: ObjectHandle | null = null;
  #ring: PollHandle | null = null;
  #held: readonly Held[] = [];
  #refused: Watched["refused"] = [];
  readonly #denied = new Set<string>();
  #unreadable = 0;

  constructor(
    parts: {
      readonly native: Native;
      readonly logger: Logger;
      /** Called from the event loop with all events of one wake-up. Must not throw. */
      readonly onEvents: (events: readonly MeshEvent[]) => void;
    },
    options: MeshWatchOptions,
  ) {
    this.#native = parts.native;
    this.#logger = parts.logger;
    this.#onEvents = parts.onEvents;
    this.#options = options;
    this.#settings = options.settings;
  }

  /** Loads the program; attaches nothing yet. */
  async start(): Promise<Result<void, EbpfFault>> {
    const file = path.join(this.#options.folder, "mesh.bpf.o");
    const loaded = await this.#native.load(file, [meshProgramName]);
    if (!loaded.ok) return failed(nativeFault(loaded.error, `loading ${file}`));
    this.#object = loaded.value.object;
    const set = this.#writeSettings();
    if (!set.ok) return this.#abandon(set.fault);
    const ring = this.#native.ringOpen(this.#object, "events", (batch, oversized) => {
      const { events, unreadable } = decodeEvents(batch);
      this.#unreadable += unreadable + oversized;
      if (events.length > 0) this.#onEvents(events);
    });
    if (!ring.ok) return this.#abandon(nativeFault(ring.error, "opening the event ring"));
    this.#ring = ring.value;
    return ok(undefined);
  }

  async #abandon(cause: EbpfFault): Promise<Result<void, EbpfFault>> {
    await this.stop();
    return failed(cause);
  }

  /**
   * Makes `names` the watched interfaces: attaches, detaches, removes what a crashed daemon left.
   * Calling it again with the same names does nothing, so call it whenever links change.
   */
  async watch(names: readonly string[]): Promise<Result<Watched, EbpfFault>> {
    if (this.#object === null) return failed(notRunning());
    const present = await this.#present(names);
    if (!present.ok) return present;
    const { steps, refusals } = reconcile(names, present.value, this.#held);
    const refused = refusals.map((refusal) => ({
      name: refusal.name,
      fault: refusalFault(refusal),
    }));
    for (const step of steps) {
      const [name, done] =
        step.kind === "detach"
          ? [step.attachment.name, this.#detach(step.attachment, step.reason)]
          : step.kind === "remove"
            ? [step.on.name, this.#removeLeftover(step.on, step.leftover)]
            : [step.to.name, this.#attach(step.to)];
      if (!done.ok) refused.push({ name, fault: done.fault });
    }
    this.#refused = refused;
    return ok({ attached: this.attached(), refused });
  }

  attached(): readonly AttachedInterface[] {
    return this.#held.map(({ index, name, address, mode }) => ({ index, name, address, mode }));
  }

  /** Everything counted so far; reads kernel memory, a few hundred microseconds. */
  read(): Result<MeshReading, EbpfFault> {
    if (this.#object === null) return failed(notRunning());
    const nowNs = Number(process.hrtime.bigint());
    const neighbours = this.#native.mapRead(this.#object, "neighbours");
    if (!neighbours.ok) return failed(nativeFault(neighbours.error, "reading neighbours"));
    const paths = this.#native.mapRead(this.#object, "paths");
    if (!paths.ok) return failed(nativeFault(paths.error, "reading paths"));
    const interfaces: InterfaceCounters[] = [];
    for (const { index, place } of this.#held) {
      const value = this.#native.mapGet(this.#object, "interfaces", uint32Bytes(place));
      if (!value.ok) return failed(nativeFault(value.error, "reading counters"));
      if (value.value !== null) interfaces.push(decodeInterface(index, value.value));
    }
    return ok({
      interfaces,
      neighbours: decodeNeighbours(neighbours.value, nowNs),
      paths: decodePaths(paths.value, nowNs),
    });
  }

  /** Deletes path entries that nobody needs; answers how many. Call it every few seconds. */
  forgetStale(paths: readonly PathReading[]): Result<number, EbpfFault> {
    if (this.#object === null) return failed(notRunning());
    const stale = stalePaths(paths, this.#settings.forgetAfterMs);
    for (const entry of stale) {
      const deleted = this.#native.mapDelete(this.#object, "paths", pathKey(entry));
      if (!deleted.ok) return failed(nativeFault(deleted.error, "forgetting a path"));
    }
    return ok(stale.length);
  }

  /** Drops every frame from these source addresses, and from no others. */
  setDenied(addresses: readonly string[]): Result<void, EbpfFault> {
    const wanted = new Set(addresses.map((address) => address.toLowerCase()));
    const invalid = addresses.find((address) => macBytes(address) === null);
    if (invalid !== undefined) {
      return failed(fault("E_INVALID_ADDRESS", `${invalid} is not a MAC address`));
    }
    if (wanted.size > meshLimits.maxDenied) {
      return failed(
        fault("E_TABLE_FULL", `at most ${meshLimits.maxDenied} addresses can be denied`),
      );
    }
    for (const address of [...this.#denied].filter((known) => !wanted.has(known))) {
      const done = this.#deny(address, false);
      if (!done.ok) return done;
    }
    for (const address of [...wanted].filter((one) => !this.#denied.has(one))) {
      const done = this.#deny(address, true);
      if (!done.ok) return done;
    }
    return ok(undefined);
  }

  denied(): readonly string[] {
    return [...this.#denied];
  }

  /** Changes settings while running; the next frame sees them. */
  configure(settings: MeshSettings): Result<void, EbpfFault> {
    const before = this.#settings;
    this.#settings = settings;
    const done = this.#writeSettings();
    if (!done.ok) this.#settings = before;
    return done;
  }

  settings(): MeshSettings {
    return this.#settings;
  }

  /** Detaches everything. Never throws; may be called twice. */
  async stop(): Promise<void> {
    for (const { link } of this.#held) this.#native.detach(link);
    this.#held = [];
    if (this.#ring !== null) this.#native.closePoll(this.#ring);
    this.#ring = null;
    if (this.#object !== null) this.#native.close(this.#object);
    this.#object = null;
    this.#denied.clear();
  }

  health(): Health {
    if (this.#object === null) {
      return { state: "degraded", reason: "the kernel program is not loaded" };
    }
    const [first] = this.#refused;
    if (first !== undefined) {
      const { message, remedy } = first.fault;
      const reason = `${first.name} is not watched: ${message}`;
      return remedy === undefined
        ? { state: "degraded", reason }
        : { state: "degraded", reason, remedy };
    }
    if (this.#unreadable > 0) {
      return { state: "degraded", reason: `${this.#unreadable} events could not be read` };
    }
    return healthy(`watching ${this.#held.map(({ name }) => name).join(", ") || "no interface"}`);
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
    const object = this.#object;
    const mac = macBytes(to.address);
    if (object === null || mac === null) return failed(notRunning());
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
      const put = this.#native.mapPut(object, map, uint32Bytes(place), bytes);
      if (!put.ok) return failed(nativeFault(put.error, `registering ${to.name}`));
    }
    const attached = this.#attachInSomeMode(object, to);
    if (!attached.ok) {
      this.#native.mapPut(object, "places", uint32Bytes(place), uint32Bytes(0));
      return attached;
    }
    const { name, index, address } = to;
    this.#held = [...this.#held, { name, index, address, place, ...attached.value }];
    this.#logger.info("watching interface", { interface: name, mode: attached.value.mode });
    return ok(undefined);
  }

  #attachInSomeMode(
    object: ObjectHandle,
    { name, index }: PresentInterface,
  ): Result<{ readonly link: LinkHandle; readonly mode: XdpMode }, EbpfFault> {
    let last: EbpfFault = fault("E_KERNEL_REFUSED", `no XDP mode is allowed for ${name}`);
    for (const mode of this.#options.modes) {
      const link = this.#native.attachXdp(object, meshProgramName, index, mode);
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
    if (held === undefined || this.#object === null) return ok(undefined);
    this.#native.detach(held.link);
    this.#held = this.#held.filter((other) => other !== held);
    this.#logger.info("no longer watching interface", { interface: held.name, reason });
    const place = uint32Bytes(held.place);
    const freed = this.#native.mapPut(this.#object, "places", place, uint32Bytes(0));
    return freed.ok ? ok(undefined) : failed(nativeFault(freed.error, `releasing ${held.name}`));
  }

  #removeLeftover(
    on: PresentInterface,
    leftover: NonNullable<PresentInterface["occupant"]>,
  ): Result<void, EbpfFault> {
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

  #deny(address: string, deny: boolean): Result<void, EbpfFault> {
    const mac = macBytes(address);
    if (this.#object === null || mac === null) return failed(notRunning());
    const key = new Uint8Array(8);
    key.set(mac);
    const done = deny
      ? this.#native.mapPut(this.#object, "denied", key, new Uint8Array(8))
      : this.#native.mapDelete(this.#object, "denied", key);
    if (!done.ok) return failed(nativeFault(done.error, `denying ${address}`));
    if (deny) this.#denied.add(address);
    else this.#denied.delete(address);
    return this.#writeSettings();
  }

  #writeSettings(): Result<void, EbpfFault> {
    if (this.#object === null) return failed(notRunning());
    const bytes = encodeSettings(this.#settings, this.#denied.size);
    const put = this.#native.mapPut(this.#object, "settings", uint32Bytes(0), bytes);
    return put.ok ? ok(undefined) : failed(nativeFault(put.error, "writing the settings"));
  }
}

function notRunning(): EbpfFault {
  return fault("E_NOT_RUNNING", "the kernel program is not loaded");
}

/** The first free place of those that the kernel program probes for this index. */
function freePlace(ifindex: number, taken: readonly number[]): number | null {
  for (let i = 0; i < meshLimits.probes; i++) {
    const place = (ifindex + i) % meshLimits.interfacePlaces;
    if (!taken.includes(place)) return place;
  }
  return null;
}

function pathKey({ ifindex, neighbour, originator, protocol }: PathReading): Uint8Array {
  const key = new Uint8Array(pathKeyLayout.bytes);
  key.set(uint32Bytes(ifindex), pathKeyLayout.ifindex);
  key.set(macBytes(neighbour) ?? [], pathKeyLayout.neighbour);
  key.set(macBytes(originator) ?? [], pathKeyLayout.originator);
  key[pathKeyLayout.protocol] = protocols.indexOf(protocol);
  return key;
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
  }
}
