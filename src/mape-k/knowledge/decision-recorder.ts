/**
 * Writes decisions to the log in the background, in order, with a bounded backlog, so that a slow
 * or full disk never holds up a beat. What cannot be written is tried again, which is also how it is
 * learnt that the disk is well once more; what had to be given up is counted.
 */

import {
  type Clock,
  type Fault,
  fault,
  type Logger,
  messageOf,
  type Result,
} from "../../base/index.ts";
import type { Decision } from "../decision.ts";
import type { DecisionLog } from "./decision-log.ts";

export interface RecorderOptions {
  readonly keepDecisions: number;
  readonly backlog: number;
}

export interface RecorderParts {
  readonly clock: Clock;
  readonly log: DecisionLog;
  readonly logger: Logger;
}

/** Prune after the first write, for a process may be short-lived, and then after this many. */
const pruneEvery = 256;
const retryMs = 10_000;
/** A record that fails this often is given up, so that one bad record cannot block all others. */
const maxAttempts = 30;

export class DecisionRecorder {
  readonly #parts: RecorderParts;
  readonly #options: RecorderOptions;
  readonly #stopping = new AbortController();
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #lost = 0;
  #writes = 0;
  #lastFault: Fault | null = null;

  constructor(parts: RecorderParts, options: RecorderOptions) {
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
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    let kept = await this.#tried(() => log.put(decision));
    for (let attempt = 1; !kept && attempt < maxAttempts && !signal.aborted; attempt++) {
      await clock.sleep(retryMs, signal);
      kept = await this.#tried(() => log.put(decision));
    }
    this.#waiting--;
    if (!kept) this.#lost++;
    else if (this.#writes++ % pruneEvery === 0) await this.#prune();
  }

  /** Did it succeed? */
  async #tried(operation: () => Promise<Result<unknown, Fault>>): Promise<boolean> {
    const problem = await problemOf(operation);
    if (problem !== null && this.#lastFault === null) {
      this.#parts.logger.error("decisions cannot be kept", { fault: problem });
    }
    this.#lastFault = problem;
    return problem === null;
  }

  /** One that fails is repeated with a later write; the log is larger than agreed until then. */
  async #prune(): Promise<void> {
    const problem = await problemOf(() => this.#parts.log.prune(this.#options.keepDecisions));
    if (problem !== null) {
      this.#parts.logger.warn("old decisions cannot be pruned", { fault: problem });
    }
  }

  /** Records that were never written, since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Did the last write succeed? */
  get writable(): boolean {
    return this.#lastFault === null;
  }

  /** Resolves when all that was recorded has been tried; nothing waits for better times any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#tail;
  }
}

/** What throws is a failure as well: it must not end the recording. */
async function problemOf(operation: () => Promise<Result<unknown, Fault>>): Promise<Fault | null> {
  try {
    const result = await operation();
    return result.ok ? null : result.fault;
  } catch (thrown) {
    return fault("E_STORAGE_WRITE", messageOf(thrown));
  }
}
