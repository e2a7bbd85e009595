/** One caller's write on its way: a group of commands that are neighbours in the log. */

import { type Fault, failed, ok, type Result } from "../../base/index.ts";
import type { LogIndex } from "../log-entry.ts";
import type { Awaiter } from "./awaited-entries.ts";

export class Ticket<Reply> {
  readonly commands: readonly Uint8Array[];
  readonly bytes: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** `out`: it may be in somebody's log, so that not hearing of it proves nothing. */
  stage: "here" | "out" = "here";
  firstIndex: LogIndex = 0;
  awaiter: Awaiter<Reply> | null = null;
  lastRefusal: Fault | null = null;
  settled = false;
  readonly #replies: Reply[] = [];
  readonly #resolve: (result: Result<readonly Reply[]>) => void;

  constructor(
    asked: {
      readonly commands: readonly Uint8Array[];
      readonly bytes: number;
      readonly deadlineMs: number;
      readonly signal: AbortSignal | undefined;
    },
    resolve: (result: Result<readonly Reply[]>) => void,
  ) {
    this.commands = asked.commands;
    this.bytes = asked.bytes;
    this.deadlineMs = asked.deadlineMs;
    this.signal = asked.signal;
    this.#resolve = resolve;
  }

  /** The next of its entries is applied. */
  reply(reply: Reply): void {
    this.#replies.push(reply);
    if (this.#replies.length === this.commands.length) this.settle(ok(this.#replies));
  }

  settle(result: Result<readonly Reply[]>): void {
    if (this.settled) return;
    this.settled = true;
    this.#resolve(result.ok ? result : failed(result.fault));
  }
}
