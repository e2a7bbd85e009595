/**
 * Samples every watched interface by rtnetlink: the kernel tells what changes (RTNLGRP_LINK), a beat
 * asks for the counters alone. It knows when what it was told cannot be trusted any more: events
 * that were lost are made good by a dump, which costs ten times a beat's work.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import type { Sensor } from "../../monitor/sensor.ts";
import type { InterfaceReading, OperState } from "../../observation.ts";
import { noDescriptorLeft, type ReadFaultCode } from "./errno.ts";
import { tooManyInterfaces, type WatchedInterfaces, watches } from "./watched-interfaces.ts";

interface NetlinkError {
  /** `EPERM`, `ENOBUFS`, ... */
  readonly name: string;
  readonly operation: string;
  readonly message: string;
}

type NetlinkResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: NetlinkError };

/** What is used of a link as rtnetlink describes it. */
interface NetlinkLink {
  readonly removed: boolean;
  readonly index: number;
  readonly name: string;
  /** `IFF_*`. */
  readonly flags: number;
  readonly kind: string;
  readonly masterIndex: number;
  /** The device it is made on, a veth's far end, or 0. */
  readonly lowerIndex: number;
  /** `IF_OPER_*`. */
  readonly operState: number;
  readonly mtuBytes: number;
  readonly carrierChanges: number;
}

interface NetlinkLinks {
  readonly links: readonly NetlinkLink[];
}

/** What this needs of the native addon; its contract fits by structure. */
export interface LinkNetlink<Subscription> {
  rtnlDump(what: "links"): Promise<NetlinkResult<NetlinkLinks>>;
  rtnlDecode(messages: Uint8Array): NetlinkLinks;
  /** Nine numbers a link, see `column`. */
  rtnlCounters(): Promise<NetlinkResult<Float64Array>>;
  netlinkSubscribe(
    protocol: number,
    groups: readonly number[],
    onMessages: (messages: Uint8Array, overrun: boolean) => void,
  ): NetlinkResult<Subscription>;
  closePoll(subscription: Subscription): void;
}

/** linux/netlink.h, linux/rtnetlink.h, linux/if.h. */
const protocolRoute = 0;
const groupLink = 1;
const flagUp = 0x1;
const flagLoopback = 0x8;
/** `IF_OPER_*`, in the kernel's order. */
const operStates: readonly OperState[] = [
  ...(["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const),
];
/** Of these `lowerIndex` is the other end, and no device below. */
const pairKinds: ReadonlySet<string> = new Set(["veth", "vxcan", "netkit"]);
/** Of one row of counters. */
const column = {
  ...{ index: 0, rxPackets: 1, txPackets: 2, rxBytes: 3, txBytes: 4 },
  ...{ rxErrors: 5, txErrors: 6, rxDrops: 7, txDrops: 8, count: 9 },
} as const;
/** Events that wait while a dump is on its way; more, and another dump follows. */
const maxWaiting = 64;

type Known = Omit<NetlinkLink, "removed"> & { readonly watched: boolean };

export class NetlinkInterfacesSensor<Subscription> implements Sensor<readonly InterfaceReading[]> {
  readonly #netlink: LinkNetlink<Subscription>;
  readonly #options: WatchedInterfaces;
  readonly #isWatched: (name: string) => boolean;
  readonly #links = new Map<number, Known>();
  /** Indexes of links that others are members of. */
  readonly #masters = new Set<number>();
  #subscription: Subscription | null = null;
  /** The links are to be dumped before they are believed. */
  #stale = true;
  /** Messages that came during a dump, which may be older than they are. */
  #waiting: Uint8Array[] | null = null;

  constructor(parts: { readonly netlink: LinkNetlink<Subscription> }, options: WatchedInterfaces) {
    this.#netlink = parts.netlink;
    this.#options = options;
    this.#isWatched = watches(options);
  }

  async sample(signal: AbortSignal): Promise<Result<readonly InterfaceReading[]>> {
    const subscribed = this.#subscribe();
    if (!subscribed.ok) return subscribed;
    const counters = await this.#netlink.rtnlCounters();
    if (!counters.ok) return failed(netlinkFault(counters.error));
    // The loop reads whatever events were there by now before its next turn.
    await nextTurn();
    if (this.#stale) {
      const dumped = await this.#dump();
      if (!dumped.ok) return dumped;
    }
    // Closed meanwhile, or no longer awaited.
    if (signal.aborted || this.#subscription === null) return failed(stopped());
    return this.#readings(counters.value);
  }

  close(): void {
    if (this.#subscription !== null) this.#netlink.closePoll(this.#subscription);
    this.#subscription = null;
    this.#links.clear();
    this.#masters.clear();
  }

  #subscribe(): Result<void> {
    if (this.#subscription !== null) return ok(undefined);
    const opened = this.#netlink.netlinkSubscribe(protocolRoute, [groupLink], (messages, overrun) =>
      this.#hear(messages, overrun),
    );
    if (!opened.ok) return failed(netlinkFault(opened.error));
    this.#subscription = opened.value;
    this.#stale = true;
    return ok(undefined);
  }

  #hear(messages: Uint8Array, overrun: boolean): void {
    if (overrun) this.#stale = true;
    if (this.#waiting === null) this.#apply(messages);
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(messages);
    else this.#stale = true;
  }

  async #dump(): Promise<Result<void>> {
    this.#waiting = [];
    this.#stale = false;
    const dump = await this.#netlink.rtnlDump("links");
    const waiting = this.#waiting;
    this.#waiting = null;
    if (!dump.ok) {
      this.#stale = true;
      return failed(netlinkFault(dump.error));
    }
    this.#links.clear();
    for (const link of dump.value.links) this.#keep(link);
    this.#findMasters();
    for (const messages of waiting) this.#apply(messages);
    return ok(undefined);
  }

  #apply(messages: Uint8Array): void {
    for (const link of this.#netlink.rtnlDecode(messages).links) {
      if (link.removed) this.#links.delete(link.index);
      else this.#keep(link);
    }
    this.#findMasters();
  }

  #keep(link: NetlinkLink): void {
    const watched = (link.flags & flagLoopback) === 0 && this.#isWatched(link.name);
    this.#links.set(link.index, { ...link, watched });
  }

  #findMasters(): void {
    this.#masters.clear();
    for (const { masterIndex } of this.#links.values()) {
      if (masterIndex !== 0) this.#masters.add(masterIndex);
    }
  }

  /** A link without counters, or counters without a link, came or went between the two answers. */
  #readings(counters: Float64Array): Result<readonly InterfaceReading[]> {
    const readings: InterfaceReading[] = [];
    for (let at = 0; at < counters.length; at += column.count) {
      const link = this.#links.get(counters[at + column.index] ?? 0);
      if (link?.watched === true) readings.push(this.#reading(link, counters, at));
    }
    const limit = this.#options.maxInterfaces;
    if (readings.length > limit) return failed(tooManyInterfaces(readings.length, limit));
    return ok(readings);
  }

  #reading(link: Known, counters: Float64Array, at: number): InterfaceReading {
    return {
      name: link.name,
      index: link.index,
      adminUp: (link.flags & flagUp) !== 0,
      operState: operStates[link.operState] ?? "unknown",
      mtuBytes: link.mtuBytes,
      stacked:
        this.#masters.has(link.index) || (link.lowerIndex !== 0 && !pairKinds.has(link.kind)),
      carrierChanges: link.carrierChanges,
      rxBytes: counters[at + column.rxBytes] ?? 0,
      txBytes: counters[at + column.txBytes] ?? 0,
      rxPackets: counters[at + column.rxPackets] ?? 0,
      txPackets: counters[at + column.txPackets] ?? 0,
      rxErrors: counters[at + column.rxErrors] ?? 0,
      txErrors: counters[at + column.txErrors] ?? 0,
      rxDrops: counters[at + column.rxDrops] ?? 0,
      txDrops: counters[at + column.txDrops] ?? 0,
    };
  }
}

function netlinkFault(error: NetlinkError): Fault<ReadFaultCode> {
  const what = `rtnetlink (${error.operation})`;
  switch (error.name) {
    case "EMFILE":
    case "ENFILE":
      return noDescriptorLeft(what, error.name);
    case "EOPNOTSUPP":
      return fault("E_NOT_SUPPORTED", `this kernel does not offer ${what}`);
    default:
      return fault("E_SENSOR_READ", `cannot read ${what}: ${error.message}`);
  }
}

function stopped(): Fault<ReadFaultCode> {
  return fault("E_SENSOR_READ", "stopped before rtnetlink had answered");
}
