/**
 * Time-ordered identifiers in the ULID text form (https://github.com/ulid/spec): ten characters
 * of Unix milliseconds and sixteen of chance, Crockford base 32, so text order is time order.
 */

import type { Random } from "./random.ts";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function timeOrderedId(wallMs: number, random: Random): string {
  let time = "";
  for (let rest = Math.max(0, Math.trunc(wallMs)), i = 0; i < 10; i++) {
    time = alphabet.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let chance = "";
  while (chance.length < 16) chance += alphabet.charAt(random.uint32() >>> 27);
  return time + chance;
}
