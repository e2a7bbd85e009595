/**
 * Writes decisions to the log in the background, in order, with a bounded backlog, so that a slow
 * or full disk never holds up a beat. What could not be written is counted.
 */

import type { Fault, Logger } from "../../base/index.ts";
import type { Decision } from "../decision.ts";
import type { DecisionLog } from "./decision-log.ts";

export interface RecorderOptions {
  readonly keepDecisions: number;
  readonly backlog: number;
}

/** Prune after this many writes. */
const pruneEvery = 256;

export class DecisionRecorder {
  readonly #parts: { readonly log: DecisionLog; readonly logger: Logger };
  readonly #options: RecorderOptions;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #lost = 0;
  #writes = 0;
  #lastFault: Fault | null = null;

  constructor(
    parts: { readonly log: DecisionLog; readonly logger: Logger },
    options: RecorderOptions,
  ) {
    this.#parts = parts;
    this.#options = options;
  }

  record(decision: Decision): void {
    if (this.#waiting >= this.#options.backlog) {
      this.#lost++;
      return;
    }
    this.#waiting++;
    this.#tail = this.#tail.then(() => this.#write(decision));
  }

  async #write(decision: Decision): Promise<void> {
    const written = await this.#parts.log.put(decision);
    this.#waiting--;
    if (!written.ok) {
      this.#lost++;
      if (this.#lastFault === null) {
        this.#parts.logger.error("decisions cannot be kept", { fault: written.fault });
      }
      this.#lastFault = written.fault;
      return;
    }
    this.#lastFault = null;
    if (++this.#writes % pruneEvery === 0) await this.#parts.log.prune(this.#options.keepDecisions);
  }

  /** Decisions that are in memory only, since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Did the last write succeed? */
  get writable(): boolean {
    return this.#lastFault === null;
  }

  /** Resolves when all that was recorded has been tried. */
  async stop(): Promise<void> {
    await this.#tail;
  }
}
