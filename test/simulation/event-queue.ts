/**
 * The simulated world's agenda: what happens next, in order of time and, within it, of planning.
 */

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A binary heap: a seed plans tens of thousands of things. */
export class EventQueue {
  readonly #heap: Planned[] = [];
  #order = 0;

  plan(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const item = { atMs, order: this.#order++, run };
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Planned;
      if (!before(item, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = item;
  }

  get nextAtMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  take(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && before(right, heap[below] as Planned)) below++;
      const child = heap[below] as Planned;
      if (!before(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

const before = (left: Planned, right: Planned) =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
