/**
 * One of the streams this node opened to a peer: it connects, shakes hands, sends what waits, and
 * when it breaks it starts anew. Knows when a frame leaves: when it is flushed and the frame before has
 * left this process; until then all that comes shares the next one.
 */

import { type Fault, fault, type Logger, type Random } from "../../base/index.ts";
import type { Message } from "../message.ts";
import { backoffMs } from "./backoff.ts";
import { encodeBatch } from "./exchange-frames.ts";
import {
  type LaneConnection,
  type LaneConnectionParts,
  openLaneConnection,
  type PeerLaneTarget,
} from "./lane-connection.ts";
import { LaneQueue } from "./lane-queue.ts";
import { permanentRefusals } from "./peer-handshake.ts";
import type { PeerTransportOptions } from "./peer-transport-options.ts";

export type LaneState =
  | { readonly kind: "connecting" }
  | { readonly kind: "up" }
  /** One side refused the other: nothing changes until somebody acts. It is tried now and then. */
  | { readonly kind: "refused"; readonly fault: Fault }
  | { readonly kind: "down"; readonly fault: Fault };

export interface PeerLaneParts extends LaneConnectionParts {
  readonly random: Random;
  readonly logger: Logger;
  readonly onState: () => void;
  /** What was under way may be lost. */
  readonly onLost: () => void;
}

export interface LaneCounters {
  readonly sentMessages: number;
  readonly sentFrames: number;
  readonly sentBytes: number;
  readonly droppedMessages: number;
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Of the last ping; null before the first. */
  readonly roundTripMs: number | null;
}

export class PeerLane {
  readonly #parts: PeerLaneParts;
  readonly #target: PeerLaneTarget;
  readonly #options: PeerTransportOptions;
  readonly #queue: LaneQueue;
  #state: LaneState = { kind: "connecting" };
  /** Why the last connection failed; null once there is one. */
  #lastFault: Fault | null = null;
  #connection: LaneConnection | null = null;
  #writing = false;
  #dropped = 0;
  #sentMessages = 0;
  #sentFrames = 0;
  #sentBytes = 0;

  constructor(parts: PeerLaneParts, target: PeerLaneTarget, options: PeerTransportOptions) {
    this.#parts = parts;
    this.#target = target;
    this.#options = options;
    const { promptQueue, bulkQueue } = options;
    this.#queue = new LaneQueue(
      target.lane === "prompt"
        ? { ...promptQueue, drop: "oldest" }
        : { ...bulkQueue, drop: "newest" },
    );
  }

  get state(): LaneState {
    return this.#state;
  }

  /** Why it is not up, also while it is tried again. */
  get lastFault(): Fault | null {
    return this.#lastFault;
  }

  counters(): LaneCounters {
    return {
      sentMessages: this.#sentMessages,
      sentFrames: this.#sentFrames,
      sentBytes: this.#sentBytes,
      droppedMessages: this.#dropped + this.#queue.dropped,
      queuedMessages: this.#queue.messages,
      queuedBytes: this.#queue.bytes,
      roundTripMs: this.#connection?.roundTripMs ?? null,
    };
  }

  /** Queues; between two attempts to connect it drops, as nothing would leave soon. */
  offer(message: Message): void {
    const { kind } = this.#state;
    if (kind === "up" || kind === "connecting") this.#queue.offer(message);
    else this.#dropped++;
  }

  /** Sends what waits, unless a frame is on its way out: its end will. */
  flush(): void {
    const connection = this.#connection;
    if (connection === null || this.#writing || this.#state.kind !== "up") return;
    const messages = this.#queue.take(this.#options.batchBytes);
    if (messages.length === 0) return;
    const frame = encodeBatch(messages);
    if (frame.length > this.#options.maxFrameBytes) {
      this.#dropped += messages.length;
      const { maxFrameBytes } = this.#options;
      this.#parts.logger.error("a message is larger than peers accept: it cannot be replicated", {
        peer: this.#target.peer,
        bytes: frame.length,
        maxFrameBytes,
      });
      this.flush();
      return;
    }
    this.#sentMessages += messages.length;
    this.#sentFrames++;
    this.#sentBytes += frame.length;
    this.#writing = true;
    connection.write(frame, () => {
      this.#writing = false;
      this.flush();
    });
  }

  /** Connects, again and again, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onLost } = this.#parts;
    let failures = 0;
    while (!signal.aborted) {
      this.#become({ kind: "connecting" });
      const { reason, upForMs } = await this.#connect(signal);
      this.#connection = null;
      this.#writing = false;
      this.#queue.clear();
      if (signal.aborted) return;
      const refused = permanentRefusals.has(reason.code);
      this.#lastFault = reason;
      this.#become({ kind: refused ? "refused" : "down", fault: reason });
      onLost();
      // A connection that never lasts is no success, or two nodes of one name would fight fast.
      failures = upForMs > this.#options.maxReconnectMs ? 1 : failures + 1;
      await clock.sleep(backoffMs(failures, refused, this.#options, random), signal);
    }
  }

  /** Resolves when the connection has ended, for whatever reason. */
  async #connect(signal: AbortSignal): Promise<{ reason: Fault; upForMs: number }> {
    const onUp = () => {
      this.#lastFault = null;
      this.#become({ kind: "up" });
      this.flush();
    };
    const opened = openLaneConnection(this.#parts, this.#target, this.#options, onUp);
    if (!opened.ok) return { reason: opened.fault, upForMs: 0 };
    const connection = opened.value;
    this.#connection = connection;
    const stop = () => connection.end(fault("E_PEER_STOPPED", "this node closed the connection"));
    signal.addEventListener("abort", stop, { once: true });
    const reason = await connection.ended;
    signal.removeEventListener("abort", stop);
    return { reason, upForMs: connection.upForMs };
  }

  #become(state: LaneState): void {
    this.#state = state;
    this.#parts.onState();
  }
}
