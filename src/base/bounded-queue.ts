/** A first-in, first-out queue with a limit: what does not fit is refused and counted. */

export class BoundedQueue<Item> {
  readonly capacity: number;
  readonly #items: Item[] = [];
  #dropped = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** False, and counted, when the queue is full. */
  offer(item: Item): boolean {
    if (this.#items.length >= this.capacity) {
      this.#dropped++;
      return false;
    }
    this.#items.push(item);
    return true;
  }

  /** Takes all that waits, oldest first. */
  drain(): Item[] {
    return this.#items.splice(0);
  }

  get length(): number {
    return this.#items.length;
  }

  /** How many items were refused since the start. */
  get dropped(): number {
    return this.#dropped;
  }
}
