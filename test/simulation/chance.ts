/** Draws for simulations, all from one seeded source. */

import { type Random, seededRandom } from "../../src/base/index.ts";

export class Chance {
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** Uniform in [0, 1). */
  ratio(): number {
    return this.random.uint32() / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.ratio() * (high - low);
  }

  /** An integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.ratio() * count);
  }

  happens(probability: number): boolean {
    return this.ratio() < probability;
  }
}
