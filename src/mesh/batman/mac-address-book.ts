/**
 * Addresses that were turned into text once need not be again: a mesh of a thousand nodes is read
 * every second. A table of its own, since a Map would make an object of every key it is asked for.
 */

import { type MacAddress, macAddressAt } from "./mac-address.ts";

/** A power of two. */
const places = 16_384;
/** Above that, collisions would cost more than they save: the book is begun anew. */
const mostKnown = places / 2;

export class MacAddressBook {
  /** The first two bytes and the other four, and what they are as text. */
  readonly #high = new Uint16Array(places);
  readonly #low = new Uint32Array(places);
  readonly #texts: (MacAddress | undefined)[] = new Array<undefined>(places).fill(undefined);
  #known = 0;

  /** The six bytes at `at`; the caller has checked that they are there. */
  at(bytes: Uint8Array, at: number): MacAddress {
    const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const low =
      (((bytes[at + 2] ?? 0) << 24) |
        ((bytes[at + 3] ?? 0) << 16) |
        ((bytes[at + 4] ?? 0) << 8) |
        (bytes[at + 5] ?? 0)) >>>
      0;
    let place = (Math.imul(low ^ (high << 16), 0x9e3779b1) >>> 18) & (places - 1);
    for (;;) {
      const text = this.#texts[place];
      if (text === undefined) return this.#learn(place, high, low, macAddressAt(bytes, at));
      if (this.#low[place] === low && this.#high[place] === high) return text;
      place = (place + 1) & (places - 1);
    }
  }

  #learn(place: number, high: number, low: number, text: MacAddress): MacAddress {
    if (this.#known === mostKnown) {
      this.#texts.fill(undefined);
      this.#known = 0;
    }
    this.#known++;
    this.#high[place] = high;
    this.#low[place] = low;
    this.#texts[place] = text;
    return text;
  }
}
