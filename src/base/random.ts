/** Chance as an argument: production seeds it from the system, tests and simulations from a number. */

export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, for tests and ids, not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    uint32() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
  };
}
