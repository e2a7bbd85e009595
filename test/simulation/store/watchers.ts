/**
 * Watchers on every node, each reading now and then, and going on elsewhere when its node crashes.
 * What one is told must be every event from where it began, once, in order.
 */

import type { WatchAnswer, Watcher } from "../../../src/kvstore/index.ts";
import { mustHold } from "../violation.ts";
import type { SimulatedStore } from "./simulated-store.ts";
import type { StoreCounts, StoreWorld } from "./store-world.ts";

const watcherCount = 6;

interface Seat {
  readonly range: { readonly key: string; readonly rangeEnd: string };
  /** The first event it has not been told, as a place in the naive store's list. */
  nextEvent: number;
  nextRevision: number;
  store: SimulatedStore | null;
  machine: SimulatedStore["machine"];
  watcher: Watcher | null;
}

export class Watchers {
  readonly #world: StoreWorld;
  readonly #counts: StoreCounts;
  readonly #seats: Seat[] = [];

  constructor(world: StoreWorld, counts: StoreCounts) {
    this.#world = world;
    this.#counts = counts;
    for (let i = 0; i < watcherCount; i++) {
      const key = `k${i % 4}`;
      const range = i < 3 ? { key: "\0", rangeEnd: "\0" } : { key, rangeEnd: "" };
      const nobody = { store: null, machine: null, watcher: null };
      this.#seats.push({ range, nextEvent: 0, nextRevision: 2, ...nobody });
    }
  }

  beat(): void {
    const { chance } = this.#world;
    for (const seat of this.#seats) {
      if (!chance.happens(0.4)) continue;
      this.#choose(seat, this.#world.stores);
      seat.store?.enqueue(() => this.#readNow(seat));
    }
  }

  /** A client moves when its node is not among `stores` any more, or was restarted. */
  #choose(seat: Seat, stores: readonly SimulatedStore[]): void {
    const { chance } = this.#world;
    const { store: from, machine } = seat;
    const gone = machine === null || from?.machine !== machine || !stores.includes(from);
    if (gone || chance.happens(0.03)) {
      seat.watcher?.cancel();
      const running = stores.filter((each) => each.machine !== null);
      const store = running[chance.below(running.length)];
      if (store === undefined || store.machine === null) return;
      seat.store = store;
      seat.machine = store.machine;
      seat.watcher = null;
    }
  }

  async #readNow(seat: Seat): Promise<void> {
    const { machine } = seat;
    // A crashed process answers nobody.
    if (machine === null || seat.store?.machine !== machine) return;
    const startRevision = seat.nextRevision;
    const filters = { prevKv: true, noPut: false, noDelete: false };
    const manners = { progressNotify: false, fragment: false };
    seat.watcher ??= machine.watch({ ...seat.range, startRevision, ...filters, ...manners });
    const patience = new AbortController();
    const next = seat.watcher.next(patience.signal);
    // Memory answers within some turns of the queue of microtasks, or not at all.
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
    patience.abort();
    const answers = await next;
    const { range, store } = seat;
    this.#world.trace("watch", { at: store?.name, key: range.key, from: startRevision, answers });
    for (const answer of answers) this.#check(seat, answer);
  }

  #check(seat: Seat, answer: WatchAnswer): void {
    const { naive } = this.#world;
    if (answer.kind === "compacted") {
      mustHold(
        answer.compactRevision > seat.nextRevision,
        "watches end for a reason",
        () => `compacted at ${answer.compactRevision}, ${seat.nextRevision} was wanted`,
      );
      // As clients do: what is gone is gone, on from there.
      seat.watcher = null;
      seat.nextRevision = answer.compactRevision;
      const from = naive.events.findIndex(({ revision }) => revision >= answer.compactRevision);
      seat.nextEvent = from === -1 ? naive.events.length : from;
      return;
    }
    if (answer.kind !== "events") return;
    for (const { type, keyValue, previous } of answer.events) {
      const expected = this.#nextOf(seat);
      const before = expected === null ? undefined : naive.at(expected.revision - 1);
      mustHold(
        expected !== null &&
          expected.type === type &&
          expected.revision === keyValue.modRevision &&
          expected.keyValue.key === keyValue.key &&
          String(expected.keyValue.value) === String(keyValue.value),
        "every event once, in order",
        () =>
          `${seat.store?.name} tells of ${type} ${keyValue.key} at ${keyValue.modRevision}, ` +
          `next is ${expected?.type} ${expected?.keyValue.key} at ${expected?.revision}`,
      );
      if (previous !== null) {
        mustHold(
          previous.modRevision === before?.get(keyValue.key)?.modRevision,
          "what an event replaced",
          () => `${keyValue.key} at ${keyValue.modRevision} replaced ${previous.modRevision}`,
        );
      }
      this.#counts.events++;
      seat.nextRevision = keyValue.modRevision;
    }
    // Events of one revision come together: the next answer begins behind it.
    const after = this.#nextOf({ ...seat });
    mustHold(
      answer.events.length === 0 || after === null || after.revision > seat.nextRevision,
      "every event once, in order",
      () => `an answer ends in the middle of revision ${seat.nextRevision}`,
    );
    seat.nextRevision++;
  }

  /** The next event of the seat's range, taken. */
  #nextOf(seat: Seat) {
    const { events } = this.#world.naive;
    const { key, rangeEnd } = seat.range;
    while (seat.nextEvent < events.length) {
      const event = events[seat.nextEvent++];
      if (event !== undefined && (rangeEnd === "\0" || event.keyValue.key === key)) return event;
    }
    return null;
  }

  /** All is well again: everybody is told the rest. */
  async finish(stores: readonly SimulatedStore[]): Promise<void> {
    for (const seat of this.#seats) {
      for (let silent = 0; silent < 3; ) {
        const before = this.#counts.events;
        this.#choose(seat, stores);
        if (seat.machine === null) break;
        await this.#readNow(seat);
        silent = this.#counts.events > before ? 0 : silent + 1;
      }
      const missed = seat.machine === null ? null : this.#nextOf({ ...seat });
      mustHold(
        missed === null,
        "every event once, in order",
        () => `${seat.store?.name} never told of ${missed?.keyValue.key} at ${missed?.revision}`,
      );
    }
  }
}
