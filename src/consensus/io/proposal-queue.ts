/**
 * Proposals on their way to one leader: those of one turn share a call, and while as many calls are
 * under way as may be, the rest waits and shares the next. Knows nothing of gRPC.
 */

import { type Fault, failed, fault, type Result } from "../../base/index.ts";
import type { Applied, LeaderFault } from "./member-calls.ts";

export interface ProposalQueueOptions {
  readonly maxCalls: number;
  /** Limits of one call. */
  readonly maxProposalsPerCall: number;
  readonly maxBytesPerCall: number;
  /** What may wait or be under way; more is refused with E_OVERLOADED. */
  readonly maxProposals: number;
  readonly maxBytes: number;
}

type Outcome = Result<Applied, LeaderFault>;

/**
 * Outcomes in the order of the proposals, or the one reason why there are none: surely nothing was
 * done then, but for E_OUTCOME_UNKNOWN.
 */
export type ForwardProposals = (
  proposals: readonly (readonly Uint8Array[])[],
) => Promise<Result<readonly Outcome[], Fault>>;

interface Waiting {
  readonly commands: readonly Uint8Array[];
  readonly bytes: number;
  readonly settle: (outcome: Outcome) => void;
}

/** What a proposal costs beside its commands, and a command beside its bytes. */
const overheadBytes = 16;

const refused = (code: string, message: string): Outcome =>
  failed({ ...fault(code, message), leader: null });

export class ProposalQueue {
  readonly #forward: ForwardProposals;
  readonly #options: ProposalQueueOptions;
  #waiting: Waiting[] = [];
  #calls = 0;
  #open = 0;
  #openBytes = 0;
  #scheduled = false;

  constructor(forward: ForwardProposals, options: ProposalQueueOptions) {
    this.#forward = forward;
    this.#options = options;
  }

  /**
   * Faults: those of the leader, and of the way to it; E_OVERLOADED; E_OUTCOME_UNKNOWN when the answer
   * got lost or nobody waited for it, so that the proposal may or may not have been applied.
   */
  propose(commands: readonly Uint8Array[], signal: AbortSignal): Promise<Outcome> {
    const { maxProposals, maxBytes, maxBytesPerCall } = this.#options;
    const bytes = commands.reduce((sum, { length }) => sum + length + overheadBytes, overheadBytes);
    if (bytes > maxBytesPerCall) {
      return Promise.resolve(refused("E_PROPOSAL_TOO_LARGE", `${bytes} bytes at once`));
    }
    if (this.#open >= maxProposals || this.#openBytes + bytes > maxBytes) {
      return Promise.resolve(refused("E_OVERLOADED", "too much waits for the leader already"));
    }
    if (signal.aborted) return Promise.resolve(unknown("nobody waits for the answer"));
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#open++;
    this.#openBytes += bytes;
    const forget = (): void => resolve(unknown("nobody waits for the answer"));
    signal.addEventListener("abort", forget, { once: true });
    const settle = (outcome: Outcome): void => {
      signal.removeEventListener("abort", forget);
      this.#open--;
      this.#openBytes -= bytes;
      resolve(outcome);
    };
    this.#waiting.push({ commands, bytes, settle });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    if (this.#calls >= this.#options.maxCalls) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#call();
    });
  }

  async #call(): Promise<void> {
    const batch = this.#take();
    if (batch.length === 0) return;
    this.#calls++;
    this.#schedule();
    const answer = await this.#forward(batch.map(({ commands }) => commands));
    this.#calls--;
    batch.forEach(({ settle }, place) => {
      if (answer.ok) settle(answer.value[place] ?? unknown("the leader left it out of its answer"));
      else settle(failed({ ...answer.fault, leader: null }));
    });
    this.#schedule();
  }

  #take(): Waiting[] {
    const { maxProposalsPerCall, maxBytesPerCall } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      if (count >= maxProposalsPerCall || bytes > maxBytesPerCall) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

const unknown = (reason: string): Outcome =>
  refused("E_OUTCOME_UNKNOWN", `whether it was applied is not known: ${reason}`);
