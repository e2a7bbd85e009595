/**
 * Samples every watched interface from files, where there is no rtnetlink: counters from one pass over `/proc/net/dev`, state through kept
 * sysfs descriptors. It knows which descriptors are still the device of their name: an interface may
 * be removed, renamed, or re-created under the same name between two beats.
 */

import { closeSync, openSync, readSync } from "node:fs";
import { type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import type { Sensor } from "../../monitor/sensor.ts";
import type { InterfaceReading } from "../../observation.ts";
import { readFault } from "./errno.ts";
import { type InterfaceState, KeptInterface } from "./kept-interface.ts";
import type { KernelRoots } from "./kernel-roots.ts";
import { netDevColumn, visitNetDev } from "./proc-net-dev.ts";
import { tooManyInterfaces, type WatchedInterfaces, watches } from "./watched-interfaces.ts";

/** Each watched interface holds three file descriptors. */
export interface InterfacesSensorOptions extends KernelRoots, WatchedInterfaces {}

/** One line of /proc/net/dev, kept from beat to beat. */
interface Row {
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly watched: boolean;
  readonly folder: string;
  readonly counters: Float64Array;
  kept: KeptInterface | null;
  seenBeat: number;
}

/** MTU and identity are read again for this many interfaces a beat, in turn. */
const identitiesPerBeat = 16;
/**
 * With more interfaces than these a beat takes them in turn: states are then a beat or two old, and
 * carrier changes, which the kernel goes on counting, are seen a few beats later.
 */
const statesPerBeat = 512;
const carrierChangesPerBeat = 256;
const firstBufferBytes = 64 * 1024;
/** At some 120 bytes a line: far above any node's interfaces, and a bound all the same. */
const maxFileBytes = 32 * 1024 * 1024;

export class InterfacesSensor implements Sensor<readonly InterfaceReading[]> {
  readonly #options: InterfacesSensorOptions;
  readonly #isWatched: (name: string) => boolean;
  readonly #rows = new Map<string, Row>();
  /** Rows in the file's order of the last beat: names rarely move, so bytes are compared first. */
  readonly #order: Row[] = [];
  readonly #path: string;
  #descriptor: number | null = null;
  #buffer = Buffer.allocUnsafe(firstBufferBytes);
  #beat = 0;

  constructor(options: InterfacesSensorOptions) {
    this.#options = options;
    this.#isWatched = watches(options);
    this.#path = `${options.procRoot}/net/dev`;
  }

  sample(): Result<readonly InterfaceReading[]> {
    this.#beat++;
    try {
      const length = this.#readFile();
      const malformed = this.#visitRows(length);
      if (malformed !== null) return failed(malformed);
      this.#forgetVanished();
      const watched = this.#order.filter((row) => row.watched);
      const limit = this.#options.maxInterfaces;
      if (watched.length > limit) return failed(tooManyInterfaces(watched.length, limit));
      const unreadable = this.#openNew(watched);
      if (unreadable !== null) return failed(unreadable);
      return this.#readStates(watched);
    } catch (thrown) {
      const cause = readFault(thrown, this.#path);
      // Whoever ran out of descriptors must not keep thousands from the rest of the process.
      if (cause.code === "E_TOO_MANY_FILES") this.close();
      return failed(cause);
    }
  }

  close(): void {
    for (const row of this.#rows.values()) release(row);
    this.#rows.clear();
    this.#order.length = 0;
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  /** A read of a seq_file returns a page at most: read on until it has nothing more. */
  #readFile(): number {
    this.#descriptor ??= openSync(this.#path, "r");
    let length = 0;
    for (;;) {
      if (length === this.#buffer.length) {
        if (length >= maxFileBytes) return length;
        const larger = Buffer.allocUnsafe(length * 2);
        this.#buffer.copy(larger, 0, 0, length);
        this.#buffer = larger;
      }
      const room = this.#buffer.length - length;
      const count = readSync(this.#descriptor, this.#buffer, length, room, length);
      if (count === 0) return length;
      length += count;
    }
  }

  #visitRows(length: number): Fault | null {
    let position = 0;
    const malformed = visitNetDev(this.#buffer, length, (nameStart, nameEnd, counters) => {
      const row = this.#rowAt(position, nameStart, nameEnd);
      // A list that changes between two pages may show a name twice: the first line counts.
      if (row.seenBeat === this.#beat) return;
      row.seenBeat = this.#beat;
      row.counters.set(counters);
      this.#order[position++] = row;
    });
    this.#order.length = position;
    return malformed;
  }

  #rowAt(position: number, nameStart: number, nameEnd: number): Row {
    const expected = this.#order[position];
    if (
      expected !== undefined &&
      expected.nameBytes.length === nameEnd - nameStart &&
      expected.nameBytes.compare(this.#buffer, nameStart, nameEnd) === 0
    ) {
      return expected;
    }
    const name = this.#buffer.toString("utf8", nameStart, nameEnd);
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const row: Row = {
      name,
      nameBytes: Buffer.from(this.#buffer.subarray(nameStart, nameEnd)),
      watched: this.#isWatched(name),
      folder: `${this.#options.sysRoot}/class/net/${name}`,
      counters: new Float64Array(16),
      kept: null,
      seenBeat: 0,
    };
    this.#rows.set(name, row);
    return row;
  }

  #forgetVanished(): void {
    for (const row of this.#rows.values()) {
      if (row.seenBeat === this.#beat) continue;
      release(row);
      this.#rows.delete(row.name);
    }
  }

  #openNew(watched: readonly Row[]): Fault | null {
    const indexes = new Set<number>();
    for (const row of watched) {
      if (row.kept !== null) continue;
      if (this.#open(row) === "malformed") return malformedState(row);
      if (row.kept !== null) indexes.add((row.kept as KeptInterface).index);
    }
    if (indexes.size === 0) return null;
    // A device opened under a new name may still be held under its old one, which another device
    // has taken since: what is held there is not the device of that name.
    return this.#reopenRenamed(watched, indexes);
  }

  #reopenRenamed(watched: readonly Row[], opened: ReadonlySet<number>): Fault | null {
    for (const row of watched) {
      if (row.kept === null || !opened.has(row.kept.index)) continue;
      if (this.#refresh(row) === "malformed") return malformedState(row);
    }
    return null;
  }

  #readStates(watched: readonly Row[]): Result<readonly InterfaceReading[]> {
    const readings: InterfaceReading[] = [];
    const identityTurn = turns(watched.length, identitiesPerBeat, this.#beat);
    const stateTurn = turns(watched.length, statesPerBeat, this.#beat);
    const changesTurn = turns(watched.length, carrierChangesPerBeat, this.#beat);
    for (const [position, row] of watched.entries()) {
      if (identityTurn(position) && this.#refresh(row) === "malformed") {
        return failed(malformedState(row));
      }
      const known = stateTurn(position) ? null : (row.kept?.lastState ?? null);
      let state = known ?? row.kept?.readState(changesTurn(position)) ?? "gone";
      if (state === "gone" && this.#open(row) !== "malformed") {
        state = row.kept?.readState(true) ?? "gone";
      }
      if (state === "malformed") return failed(malformedState(row));
      // Removed since the counters were read: the next beat no longer lists it.
      if (state === "gone" || row.kept === null || row.kept.loopback) continue;
      readings.push(toReading(row, row.kept, state));
    }
    if (readings.length === 0 && watched.some((row) => row.kept === null)) {
      return failed(this.#noSysfs());
    }
    return ok(readings);
  }

  /** Opens the device that has the row's name now; leaves `kept` null when there is none. */
  #open(row: Row): "malformed" | "opened" | "gone" {
    release(row);
    const kept = KeptInterface.open(row.folder);
    if (typeof kept === "string") return kept;
    row.kept = kept;
    return "opened";
  }

  #refresh(row: Row): "malformed" | "same" | "opened" | "gone" {
    const seen = row.kept?.refresh(row.folder) ?? "gone";
    return seen === "gone" ? this.#open(row) : seen;
  }

  #noSysfs(): Fault {
    return fault(
      "E_NOT_SUPPORTED",
      `${this.#options.sysRoot}/class/net shows none of the interfaces of ${this.#path}`,
      "mount the sysfs of this network namespace (ip netns exec does)",
    );
  }
}

/** Whose turn it is in a beat, when `perBeat` of `count` are taken at a time. */
function turns(count: number, perBeat: number, beat: number): (position: number) => boolean {
  const beats = Math.max(1, Math.ceil(count / perBeat));
  return (position) => position % beats === beat % beats;
}

function release(row: Row): void {
  row.kept?.close();
  row.kept = null;
}

function malformedState(row: Row): Fault {
  return fault("E_MALFORMED", `${row.folder}: an attribute is not what the kernel writes`);
}

function toReading(row: Row, kept: KeptInterface, state: InterfaceState): InterfaceReading {
  const count = (column: number): number => row.counters[column] ?? 0;
  return {
    name: row.name,
    index: kept.index,
    adminUp: state.adminUp,
    operState: state.operState,
    mtuBytes: kept.mtuBytes,
    stacked: kept.stacked,
    carrierChanges: state.carrierChanges,
    rxBytes: count(netDevColumn.rxBytes),
    txBytes: count(netDevColumn.txBytes),
    rxPackets: count(netDevColumn.rxPackets),
    txPackets: count(netDevColumn.txPackets),
    rxErrors: count(netDevColumn.rxErrors),
    txErrors: count(netDevColumn.txErrors),
    rxDrops: count(netDevColumn.rxDrops),
    txDrops: count(netDevColumn.txDrops),
  };
}
