/**
 * How willing this node is to lead its group, from what the loop sees of its links: whoever is badly
 * reached should follow. Each link or interface in trouble costs 40 of 100, and never more than 80, so
 * that somebody always leads; a disk that is nearly full costs 80 at once. Trouble counts at once, its
 * end only after half a minute without, or two nodes would pass leadership to and fro.
 */

export interface PrioritySymptom {
  readonly kind: string;
}

const linkTroubles: ReadonlySet<string> = new Set([
  "link-loss",
  "silent-neighbour",
  "interface-down",
  "flapping",
]);
const perLink = 40;
const mostOff = 80;
const quietMs = 30_000;

export class LeadershipPriority {
  #priority = 100;
  #troubledMs = Number.NEGATIVE_INFINITY;

  /** The priority from now on, 20 to 100. */
  update(symptoms: readonly PrioritySymptom[], nowMs: number): number {
    const links = symptoms.filter(({ kind }) => linkTroubles.has(kind)).length;
    const full = symptoms.some(({ kind }) => kind === "storage-low");
    const wanted = 100 - Math.min(mostOff, full ? mostOff : links * perLink);
    if (wanted <= this.#priority) {
      if (wanted < 100) this.#troubledMs = nowMs;
      this.#priority = wanted;
    } else if (nowMs - this.#troubledMs >= quietMs) this.#priority = wanted;
    return this.#priority;
  }
}
