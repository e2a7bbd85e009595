/**
 * Writes from the caller's point of view: offered to the core where this node leads, handed to the
 * leader where it does not, held back while there is none, and settled once applied here. Knows
 * what may be tried again: only what surely was not done.
 */

import { type Clock, type Fault, failed, fault, ok, type Result } from "../../base/index.ts";
import type { RaftEvent, RequestId } from "../event.ts";
import type { Accepted, LeaderPort } from "../leader-port.ts";
import type { LogIndex, Term } from "../log-entry.ts";
import type { Member } from "../membership.ts";
import type { AwaitedEntries, Awaiter } from "./awaited-entries.ts";
import { cancelled, noLeader, outcomeUnknown, overloaded, passes } from "./driver-faults.ts";
import type { DriverOptions } from "./driver-options.ts";
import { Ticket } from "./ticket.ts";

/** Who can take a write now. */
export type Route =
  | { readonly kind: "here" }
  | { readonly kind: "leader"; readonly leader: Member }
  | { readonly kind: "nobody" };

interface Forward {
  readonly cancel: AbortController;
  readonly deadlineMs: number;
}

export interface ProposalsParts<Reply> {
  readonly clock: Clock;
  readonly awaited: AwaitedEntries<Reply>;
  readonly leader: LeaderPort;
  /** Something waits for the next step. */
  readonly wake: () => void;
}

export class Proposals<Reply> {
  readonly #parts: ProposalsParts<Reply>;
  readonly #options: DriverOptions;
  readonly #open = new Set<Ticket<Reply>>();
  readonly #offered = new Map<RequestId, readonly Ticket<Reply>[]>();
  readonly #forwards = new Set<Forward>();
  /** For the next step. */
  #waiting: Ticket<Reply>[] = [];
  /** For the next check: there was nobody to take them. */
  #parked: Ticket<Reply>[] = [];
  #commands = 0;
  #bytes = 0;

  constructor(parts: ProposalsParts<Reply>, options: DriverOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Commands that wait, agreed on or not. */
  get pending(): number {
    return this.#commands;
  }

  propose(
    commands: readonly Uint8Array[],
    signal: AbortSignal | undefined,
  ): Promise<Result<readonly Reply[]>> {
    if (signal?.aborted === true) return Promise.resolve(failed(cancelled));
    if (commands.length === 0) return Promise.resolve(ok([]));
    let bytes = 0;
    for (const command of commands) bytes += command.length;
    const { maxPendingCommands, maxPendingBytes, requestTimeoutMs } = this.#options;
    const fits =
      this.#commands + commands.length <= maxPendingCommands &&
      this.#bytes + bytes <= maxPendingBytes;
    if (!fits) return Promise.resolve(failed(overloaded));
    this.#commands += commands.length;
    this.#bytes += bytes;
    const deadlineMs = this.#parts.clock.monotonicMs() + requestTimeoutMs;
    return new Promise((resolve) => {
      const ticket = new Ticket<Reply>({ commands, bytes, deadlineMs, signal }, (result) => {
        this.#commands -= commands.length;
        this.#bytes -= bytes;
        this.#open.delete(ticket);
        resolve(result);
      });
      this.#open.add(ticket);
      this.#waiting.push(ticket);
      this.#parts.wake();
    });
  }

  /** What goes into this step; what is for the leader leaves at once. */
  offer(route: Route, nextId: () => RequestId): RaftEvent[] {
    if (this.#waiting.length === 0) return [];
    // Some were given up while they waited.
    const tickets = this.#waiting.filter((ticket) => !ticket.settled);
    this.#waiting = [];
    if (route.kind === "nobody") {
      this.#parked.push(...tickets);
      return [];
    }
    const events: RaftEvent[] = [];
    for (const batch of batchesOf(tickets, this.#options.proposalBatchBytes)) {
      if (route.kind === "leader") {
        void this.#forward(batch, route.leader);
        continue;
      }
      const id = nextId();
      this.#offered.set(id, batch);
      events.push({ kind: "propose", id, commands: commandsOf(batch) });
    }
    return events;
  }

  /** False when the request is none of these. */
  onAccepted(id: RequestId, accepted: Accepted): boolean {
    const tickets = this.#offered.get(id);
    if (tickets === undefined) return false;
    this.#offered.delete(id);
    this.#awaitAll(tickets, accepted);
    return true;
  }

  onRefused(id: RequestId, reason: Fault): boolean {
    const tickets = this.#offered.get(id);
    if (tickets === undefined) return false;
    this.#offered.delete(id);
    this.#notDone(tickets, reason);
    return true;
  }

  /** Somebody else leads, or this node does: whoever waits may go on. */
  onRoute(): void {
    if (this.#parked.length === 0) return;
    this.#waiting.push(...this.#parked);
    this.#parked = [];
    this.#parts.wake();
  }

  /** Called every `retryPauseMs` while anything is pending. */
  check(nowMs: number): void {
    for (const forward of this.#forwards) {
      if (nowMs >= forward.deadlineMs) forward.cancel.abort();
    }
    for (const ticket of this.#open) {
      if (ticket.signal?.aborted === true) this.#giveUp(ticket, cancelled, "its caller has gone");
      else if (nowMs >= ticket.deadlineMs) {
        this.#giveUp(ticket, ticket.lastRefusal ?? noLeader, "no majority confirmed it in time");
      }
    }
    this.onRoute();
  }

  /** Nothing will be done any more. */
  close(reason: Fault): void {
    for (const { cancel } of this.#forwards) cancel.abort();
    for (const ticket of this.#open) this.#giveUp(ticket, reason, reason.message);
    this.#waiting = [];
    this.#parked = [];
    this.#offered.clear();
  }

  #giveUp(ticket: Ticket<Reply>, reason: Fault, why: string): void {
    this.#unawait(ticket);
    ticket.settle(failed(ticket.stage === "here" ? reason : outcomeUnknown(why)));
  }

  #unawait(ticket: Ticket<Reply>): void {
    if (ticket.awaiter === null) return;
    const { firstIndex, commands, awaiter } = ticket;
    for (let i = 0; i < commands.length; i++) this.#parts.awaited.forget(firstIndex + i, awaiter);
  }

  async #forward(tickets: readonly Ticket<Reply>[], leader: Member): Promise<void> {
    const { awaited } = this.#parts;
    const deadlineMs = Math.max(...tickets.map((ticket) => ticket.deadlineMs));
    const forward = { cancel: new AbortController(), deadlineMs };
    this.#forwards.add(forward);
    awaited.keep();
    for (const ticket of tickets) ticket.stage = "out";
    const answer = await this.#parts.leader.propose(
      leader,
      commandsOf(tickets),
      forward.cancel.signal,
    );
    this.#forwards.delete(forward);
    const open = tickets.filter((ticket) => !ticket.settled);
    if (answer.ok) this.#awaitAll(tickets, answer.value);
    else if (answer.fault.code === "E_OUTCOME_UNKNOWN") {
      for (const ticket of open) ticket.settle(failed(answer.fault));
    } else this.#notDone(open, answer.fault);
    awaited.release();
  }

  #awaitAll(tickets: readonly Ticket<Reply>[], { term, firstIndex, count }: Accepted): void {
    let at = firstIndex;
    for (const ticket of tickets) {
      const start = at;
      at += ticket.commands.length;
      if (ticket.settled) continue;
      if (at > firstIndex + count) {
        ticket.settle(failed(outcomeUnknown("the leader named too few places in the log")));
        continue;
      }
      ticket.stage = "out";
      ticket.firstIndex = start;
      const awaiter = this.#awaiterOf(ticket, term);
      ticket.awaiter = awaiter;
      // Those that have been applied already answer at once.
      for (let i = 0; i < ticket.commands.length && ticket.awaiter === awaiter; i++) {
        this.#parts.awaited.await(start + i, awaiter);
      }
    }
  }

  #awaiterOf(ticket: Ticket<Reply>, term: Term): Awaiter<Reply> {
    const end = (index: LogIndex, why: Fault | null) => {
      if (ticket.settled) return;
      this.#unawait(ticket);
      // What follows a replaced entry is replaced as well; what came before was done.
      if (why !== null && index === ticket.firstIndex) this.#notDone([ticket], why);
      else ticket.settle(failed(outcomeUnknown("the leader changed before it was confirmed")));
    };
    return {
      term,
      onApplied: (_index, reply) => ticket.reply(reply as Reply),
      onReplaced: (index) => end(index, replaced),
      onLost: (index) => end(index, null),
    };
  }

  #notDone(tickets: readonly Ticket<Reply>[], reason: Fault): void {
    for (const ticket of tickets) {
      if (ticket.settled) continue;
      if (!passes(reason)) {
        ticket.settle(failed(reason));
        continue;
      }
      ticket.stage = "here";
      ticket.awaiter = null;
      ticket.lastRefusal = reason;
      this.#parked.push(ticket);
    }
  }
}

const replaced = fault("E_LEADERSHIP_LOST", "a new leader has put another entry in its place");

function commandsOf<Reply>(tickets: readonly Ticket<Reply>[]): readonly Uint8Array[] {
  const [only] = tickets;
  if (tickets.length === 1 && only !== undefined) return only.commands;
  return tickets.flatMap((ticket) => ticket.commands);
}

function batchesOf<Reply>(tickets: Ticket<Reply>[], maxBytes: number): Ticket<Reply>[][] {
  const batches: Ticket<Reply>[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const ticket of tickets) {
    if (bytes + ticket.bytes > maxBytes) {
      batches.push([]);
      bytes = 0;
    }
    bytes += ticket.bytes;
    batches[batches.length - 1]?.push(ticket);
  }
  return batches;
}
