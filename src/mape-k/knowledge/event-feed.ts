/**
 * The last events of the loop, numbered without gaps, for those who follow it. Listeners are
 * called at once and must not block; one that throws is reported and does not stop the others.
 */

import { type Clock, type Logger, messageOf } from "../../base/index.ts";
import type { LoopEvent, NumberedEvent } from "../event.ts";

export class EventFeed {
  readonly #parts: { readonly clock: Clock; readonly logger: Logger };
  readonly #capacity: number;
  readonly #ring: NumberedEvent[] = [];
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  #sequence = 0;

  constructor(
    parts: { readonly clock: Clock; readonly logger: Logger },
    options: { readonly capacity: number },
  ) {
    this.#parts = parts;
    this.#capacity = options.capacity;
  }

  publish(event: LoopEvent): void {
    const numbered = { sequence: ++this.#sequence, wallMs: this.#parts.clock.wallMs(), event };
    this.#ring.push(numbered);
    if (this.#ring.length > this.#capacity) this.#ring.shift();
    for (const listener of this.#listeners) {
      try {
        listener(numbered);
      } catch (thrown) {
        this.#parts.logger.error("a listener of the event feed failed", {
          error: messageOf(thrown),
        });
      }
    }
  }

  after(sequence: number): readonly NumberedEvent[] {
    return this.#ring.filter((event) => event.sequence > sequence);
  }

  listen(listener: (event: NumberedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
