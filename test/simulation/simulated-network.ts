/**
 * The wires between simulated nodes: each direction has its own delay, loss, duplication and fate.
 * Delays differ from message to message, so messages overtake each other.
 */

import type { NodeId } from "../../src/base/index.ts";
import type { Message } from "../../src/consensus/index.ts";
import type { Chance } from "./chance.ts";

export interface NetworkPorts {
  readonly chance: Chance;
  plan(delayMs: number, run: () => void): void;
  deliver(message: Message): void;
}

export class SimulatedNetwork {
  lossRatio = 0;
  duplicateRatio = 0;
  minDelayMs = 0.2;
  maxDelayMs = 2;
  readonly #ports: NetworkPorts;
  /** Directions that carry nothing, as "from>to". */
  readonly #cut = new Set<string>();
  /** Directions that take so much longer. */
  readonly #extraDelayMs = new Map<string, number>();

  constructor(ports: NetworkPorts) {
    this.#ports = ports;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Restores both directions between two nodes. */
  join(left: NodeId, right: NodeId): void {
    this.#cut.delete(`${left}>${right}`);
    this.#cut.delete(`${right}>${left}`);
  }

  slow(from: NodeId, to: NodeId, extraDelayMs: number): void {
    this.#extraDelayMs.set(`${from}>${to}`, extraDelayMs);
  }

  heal(): void {
    this.#cut.clear();
    this.#extraDelayMs.clear();
  }

  send(message: Message): void {
    const { chance } = this.#ports;
    const direction = `${message.from}>${message.to}`;
    if (this.#cut.has(direction) || chance.happens(this.lossRatio)) return;
    const copies = chance.happens(this.duplicateRatio) ? 2 : 1;
    const extraMs = this.#extraDelayMs.get(direction) ?? 0;
    for (let copy = 0; copy < copies; copy++) {
      // Now and then one is held up for very long, and meets a world that has moved on.
      const heldUp = chance.happens(0.002) ? chance.between(0, 400) : 0;
      const delayMs = chance.between(this.minDelayMs, this.maxDelayMs) + extraMs + heldUp;
      this.#ports.plan(delayMs, () => {
        // What is on the way when a link breaks is lost as well.
        if (!this.#cut.has(direction)) this.#ports.deliver(message);
      });
    }
  }
}
