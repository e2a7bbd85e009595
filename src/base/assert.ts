/** Invariants: what must hold whatever the world does. A broken one is a bug and crashes. */

export function assert(holds: boolean, expected: string): asserts holds {
  if (!holds) throw new Error(`broken invariant: expected ${expected}`);
}

/** Ends an exhaustive switch; does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`broken invariant: unexpected case ${JSON.stringify(value)}`);
}
