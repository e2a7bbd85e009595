/** What a checker throws: a property of Raft that did not hold. */

export class Violation extends Error {
  /** Short and stable, so that shrinking can tell one failure from another. */
  readonly property: string;

  constructor(property: string, detail: string) {
    super(`${property}: ${detail}`);
    this.property = property;
  }
}

export function mustHold(holds: boolean, property: string, detail: () => string): asserts holds {
  if (!holds) throw new Violation(property, detail());
}
