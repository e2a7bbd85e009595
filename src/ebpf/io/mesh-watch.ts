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
  decodeEvents,
  decodeFilter,
  decodeInterface,
  decodeNeighbours,
  decodePaths,
  encodeSettings,
  type FrameFilter,
  type InterfaceCounters,
  type MeshEvent,
  type MeshSettings,
  macBytes,
  meshProgramName,
  type NeighbourReading,
  type PathReading,
  stalePaths,
} from "../index.ts";
import { deniedKeyLayout, meshLimits, pathKeyLayout, protocols } from "../mesh-abi.ts";
import type { Native, ObjectHandle, PollHandle, XdpMode } from "./native-contract.ts";
import { type EbpfFault, nativeFault } from "./native-fault.ts";
import {
  type AttachedInterface,
  type RefusedInterface,
  uint32Bytes,
  XdpAttachments,
} from "./xdp-attachments.ts";

export interface MeshWatchOptions {
  /** Holds mesh.bpf.o. */
  readonly folder: string;
  readonly settings: MeshSettings;
  /** Modes in the order in which they are tried. */
  readonly modes: readonly XdpMode[];
}

/** What `watch` came to. */
export interface Watched {
  readonly attached: readonly AttachedInterface[];
  readonly refused: readonly RefusedInterface[];
}

export interface MeshReading {
  readonly interfaces: readonly InterfaceCounters[];
  readonly neighbours: readonly NeighbourReading[];
  readonly paths: readonly PathReading[];
}

interface Running {
  readonly object: ObjectHandle;
  readonly ring: PollHandle;
  readonly attachments: XdpAttachments;
}

export class MeshWatch implements HealthSource {
  readonly component = "mesh-watch";
  readonly #native: Native;
  readonly #logger: Logger;
  readonly #onEvents: (events: readonly MeshEvent[]) => void;
  readonly #options: MeshWatchOptions;
  #settings: MeshSettings;
  #running: Running | null = null;
  #refused: readonly RefusedInterface[] = [];
  /** The last `watch`, since two at once would get in each other's way. */
  #watching: Promise<unknown> = Promise.resolve();
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
    const { object } = loaded.value;
    const set = this.#writeSettings(object);
    const ring = this.#native.ringOpen(object, "events", (batch, oversized) => {
      const { events, unreadable } = decodeEvents(batch);
      this.#unreadable += unreadable + oversized;
      if (events.length > 0) this.#onEvents(events);
    });
    if (!set.ok || !ring.ok) {
      if (ring.ok) this.#native.closePoll(ring.value);
      this.#native.close(object);
      if (!ring.ok) return failed(nativeFault(ring.error, "opening the event ring"));
      return set;
    }
    const parts = { native: this.#native, logger: this.#logger, object };
    const attachments = new XdpAttachments(parts, { modes: this.#options.modes });
    this.#running = { object, ring: ring.value, attachments };
    return ok(undefined);
  }

  /**
   * Makes `names` the watched interfaces: attaches, detaches, removes what a crashed daemon left.
   * Calling it again with the same names does nothing, so call it whenever links change.
   */
  watch(names: readonly string[]): Promise<Result<Watched, EbpfFault>> {
    const turn = this.#watching.then(() => this.#watchNow(names));
    // Only the order matters to the next one; what went wrong is the caller's.
    this.#watching = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  async #watchNow(names: readonly string[]): Promise<Result<Watched, EbpfFault>> {
    if (this.#running === null) return failed(notRunning());
    const { attachments } = this.#running;
    const refused = await attachments.keepOn(names);
    if (!refused.ok) return refused;
    this.#refused = refused.value;
    return ok({ attached: attachments.attached(), refused: refused.value });
  }

  attached(): readonly AttachedInterface[] {
    return this.#running?.attachments.attached() ?? [];
  }

  /** Everything counted so far; reads kernel memory, a few hundred microseconds. */
  read(): Result<MeshReading, EbpfFault> {
    if (this.#running === null) return failed(notRunning());
    const { object, attachments } = this.#running;
    const nowNs = Number(process.hrtime.bigint());
    const neighbours = this.#native.mapRead(object, "neighbours");
    if (!neighbours.ok) return failed(nativeFault(neighbours.error, "reading neighbours"));
    const paths = this.#native.mapRead(object, "paths");
    if (!paths.ok) return failed(nativeFault(paths.error, "reading paths"));
    const interfaces: InterfaceCounters[] = [];
    for (const { index, place } of attachments.attached()) {
      const value = this.#native.mapGet(object, "interfaces", uint32Bytes(place));
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
    if (this.#running === null) return failed(notRunning());
    const stale = stalePaths(paths, this.#settings.forgetAfterMs);
    for (const entry of stale) {
      const deleted = this.#native.mapDelete(this.#running.object, "paths", pathKey(entry));
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

  /** What is dropped, as the kernel has it. */
  filter(): Result<FrameFilter, EbpfFault> {
    if (this.#running === null) return failed(notRunning());
    const { object } = this.#running;
    const settings = this.#native.mapGet(object, "settings", uint32Bytes(0));
    if (!settings.ok) return failed(nativeFault(settings.error, "reading the settings"));
    const denied = this.#native.mapRead(object, "denied");
    if (!denied.ok) return failed(nativeFault(denied.error, "reading the deny list"));
    // An array's entries are always there.
    return ok(decodeFilter(settings.value ?? new Uint8Array(), denied.value));
  }

  /** Changes settings while running; the next frame sees them. */
  configure(settings: MeshSettings): Result<void, EbpfFault> {
    if (this.#running === null) return failed(notRunning());
    const before = this.#settings;
    this.#settings = settings;
    const done = this.#writeSettings(this.#running.object);
    if (!done.ok) this.#settings = before;
    return done;
  }

  settings(): MeshSettings {
    return this.#settings;
  }

  /** Detaches everything. Never throws; may be called twice. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    this.#denied.clear();
    // What is being attached at this moment must not stay attached.
    await this.#watching;
    if (running === null) return;
    running.attachments.detachAll();
    this.#native.closePoll(running.ring);
    this.#native.close(running.object);
  }

  health(): Health {
    if (this.#running === null) {
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
    return healthy(
      `watching ${
        this.attached()
          .map(({ name }) => name)
          .join(", ") || "no interface"
      }`,
    );
  }

  #deny(address: string, deny: boolean): Result<void, EbpfFault> {
    const mac = macBytes(address);
    if (this.#running === null || mac === null) return failed(notRunning());
    const { object } = this.#running;
    const key = new Uint8Array(deniedKeyLayout.bytes);
    key.set(mac, deniedKeyLayout.mac);
    const done = deny
      ? this.#native.mapPut(object, "denied", key, new Uint8Array(8))
      : this.#native.mapDelete(object, "denied", key);
    if (!done.ok) return failed(nativeFault(done.error, `denying ${address}`));
    if (deny) this.#denied.add(address);
    else this.#denied.delete(address);
    return this.#writeSettings(object);
  }

  #writeSettings(object: ObjectHandle): Result<void, EbpfFault> {
    const bytes = encodeSettings(this.#settings, this.#denied.size);
    const put = this.#native.mapPut(object, "settings", uint32Bytes(0), bytes);
    return put.ok ? ok(undefined) : failed(nativeFault(put.error, "writing the settings"));
  }
}

function notRunning(): EbpfFault {
  return fault("E_NOT_RUNNING", "the kernel program is not loaded");
}

function pathKey({ ifindex, neighbour, originator, protocol }: PathReading): Uint8Array {
  const key = new Uint8Array(pathKeyLayout.bytes);
  key.set(uint32Bytes(ifindex), pathKeyLayout.ifindex);
  key.set(macBytes(neighbour) ?? [], pathKeyLayout.neighbour);
  key.set(macBytes(originator) ?? [], pathKeyLayout.originator);
  key[pathKeyLayout.protocol] = protocols.indexOf(protocol);
  return key;
}
