/**
 * What operators ask of the group: changes of its membership and of its leader. Rare, so each is a
 * small conversation of its own: asked here or at the leader, again while a refusal will pass.
 */

import {
  type Clock,
  type Fault,
  failed,
  fault,
  type NodeId,
  ok,
  type Result,
} from "../../base/index.ts";
import type { RaftEvent, RequestId } from "../event.ts";
import type { Accepted, LeaderPort } from "../leader-port.ts";
import type { MemberChange } from "../membership.ts";
import type { AwaitedEntries } from "./awaited-entries.ts";
import { cancelled, noLeader, outcomeUnknown, passes, stopping } from "./driver-faults.ts";
import type { DriverOptions } from "./driver-options.ts";
import type { Route } from "./proposals.ts";

type Asked = (id: RequestId) => RaftEvent;
type Answer =
  | { readonly kind: "accepted"; readonly accepted: Accepted }
  | { readonly kind: "started" }
  | { readonly kind: "refused"; readonly fault: Fault };

export interface OrdersParts<Reply> {
  readonly clock: Clock;
  readonly awaited: AwaitedEntries<Reply>;
  readonly leader: LeaderPort;
  readonly route: () => Route;
  /** Puts the event into the next step. */
  readonly feed: (event: RaftEvent) => void;
  readonly nextId: () => RequestId;
}

export class Orders<Reply> {
  readonly #parts: OrdersParts<Reply>;
  readonly #options: DriverOptions;
  readonly #asked = new Map<RequestId, (answer: Answer) => void>();
  readonly #closing = new AbortController();

  constructor(parts: OrdersParts<Reply>, options: DriverOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Resolves once the change is applied here, or at the leader. */
  changeMembership(
    changes: readonly MemberChange[],
    signal: AbortSignal | undefined,
  ): Promise<Result<void>> {
    return this.#until(this.#options.changeTimeoutMs, signal, async (route, untilEnd) => {
      if (route.kind === "leader") {
        return this.#parts.leader.changeMembership(route.leader, changes, untilEnd);
      }
      const answer = await this.#ask((id) => ({ kind: "change-membership", id, changes }));
      if (answer.kind === "refused") return failed(answer.fault);
      if (answer.kind === "started") return ok(undefined);
      return this.#applied(answer.accepted, untilEnd);
    });
  }

  /** Resolves once another node leads. */
  transferLeadership(
    target: NodeId | null,
    signal: AbortSignal | undefined,
  ): Promise<Result<void>> {
    return this.#until(this.#options.requestTimeoutMs, signal, async (route, untilEnd) => {
      if (route.kind === "leader") {
        // Led by whom it was asked for: that is done.
        if (route.leader.id === target) return ok(undefined);
        return this.#parts.leader.transferLeadership(route.leader, target, untilEnd);
      }
      const answer = await this.#ask((id) => ({ kind: "transfer-leadership", id, target }));
      if (answer.kind === "refused") return failed(answer.fault);
      while (this.#parts.route().kind === "here" && !untilEnd.aborted) {
        await this.#parts.clock.sleep(this.#options.retryPauseMs / 5, untilEnd);
      }
      if (this.#parts.route().kind !== "here") return ok(undefined);
      return failed(fault("E_TRANSFER_FAILED", "nobody took leadership over in time"));
    });
  }

  onAccepted(id: RequestId, accepted: Accepted): boolean {
    return this.#answer(id, { kind: "accepted", accepted });
  }

  onStarted(id: RequestId): boolean {
    return this.#answer(id, { kind: "started" });
  }

  onRefused(id: RequestId, reason: Fault): boolean {
    return this.#answer(id, { kind: "refused", fault: reason });
  }

  /** Whoever still waits is told so. */
  close(): void {
    this.#closing.abort();
    for (const answer of this.#asked.values()) answer({ kind: "refused", fault: stopping });
    this.#asked.clear();
  }

  #answer(id: RequestId, answer: Answer): boolean {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.(answer);
    return asked !== undefined;
  }

  #ask(asked: Asked): Promise<Answer> {
    if (this.#closing.signal.aborted) return Promise.resolve({ kind: "refused", fault: stopping });
    const id = this.#parts.nextId();
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#parts.feed(asked(id));
    });
  }

  /** Tries until it is done, refused for good, or its time is over. */
  async #until(
    withinMs: number,
    signal: AbortSignal | undefined,
    attempt: (route: Route, untilEnd: AbortSignal) => Promise<Result<void>>,
  ): Promise<Result<void>> {
    const { clock, route } = this.#parts;
    const deadlineMs = clock.monotonicMs() + withinMs;
    const over = new AbortController();
    const ends = [over.signal, this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    const untilEnd = AbortSignal.any(ends);
    const timer = new AbortController();
    void clock.sleep(withinMs, timer.signal).then(() => over.abort());
    let last: Fault = noLeader;
    while (!untilEnd.aborted && clock.monotonicMs() < deadlineMs) {
      const to = route();
      if (to.kind !== "nobody") {
        const result = await attempt(to, untilEnd);
        const early = clock.monotonicMs() < deadlineMs - withinMs + settlingMs;
        const again = !result.ok && (passes(result.fault) || isPending(result.fault, early));
        if (!again) {
          timer.abort();
          return result;
        }
        last = result.fault;
      }
      await clock.sleep(this.#options.retryPauseMs, untilEnd);
    }
    timer.abort();
    if (signal?.aborted === true) return failed(cancelled);
    return failed(this.#closing.signal.aborted ? stopping : last);
  }

  #applied({ firstIndex, term }: Accepted, untilEnd: AbortSignal): Promise<Result<void>> {
    const { awaited } = this.#parts;
    return new Promise((resolve) => {
      const settle = (result: Result<void>) => {
        untilEnd.removeEventListener("abort", giveUp);
        awaited.forget(firstIndex, awaiter);
        resolve(result);
      };
      const giveUp = () =>
        settle(failed(outcomeUnknown("no majority confirmed the change in time")));
      const awaiter = {
        term,
        onApplied: () => settle(ok(undefined)),
        onReplaced: () => settle(failed(replaced)),
        onLost: () => settle(failed(outcomeUnknown("a snapshot went past it"))),
      };
      untilEnd.addEventListener("abort", giveUp, { once: true });
      awaited.await(firstIndex, awaiter);
      if (untilEnd.aborted) giveUp();
    });
  }
}

const replaced = fault("E_LEADERSHIP_LOST", "a new leader has put another entry in its place");

/** A new leader hears within a few heartbeats who of the others is there and may vote. */
const settlingMs = 500;

/** Another change is on its way, or the leader is new: both pass. */
const isPending = ({ code }: Fault, early: boolean): boolean =>
  code === "E_CHANGE_PENDING" ||
  (early && (code === "E_NO_SUCCESSOR" || code === "E_QUORUM_AT_RISK"));
