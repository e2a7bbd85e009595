/**
 * One of the streams this node opened to a peer: it connects, shakes hands, sends what waits, and
 * when it breaks it starts anew. Knows when a frame leaves: when it is flushed and the frame before has
 * left this process; until then all that comes shares the next one.
 */

import {
  type Clock,
  type Fault,
  fault,
  type Logger,
  type NodeId,
  type Random,
} from "../../base/index.ts";
import type { Message } from "../message.ts";
import { backoffMs } from "./backoff.ts";
import { connectionFault } from "./connection-fault.ts";
import { type ExchangeCall, openExchange } from "./exchange-call.ts";
import { decodeResponse, encodeBatch, encodeRequest } from "./exchange-frames.ts";
import { LaneQueue } from "./lane-queue.ts";
import { parsePeerAddress } from "./peer-address.ts";
import { channelCredentials, type PeerSecurity } from "./peer-credentials.ts";
import {
  helloTo,
  type LaneName,
  type LocalNode,
  permanentRefusals,
  refusalFrom,
  refusalOfWelcome,
} from "./peer-handshake.ts";
import type { PeerTransportOptions } from "./peer-transport-options.ts";

export type LaneState =
  | { readonly kind: "connecting" }
  | { readonly kind: "up" }
  /** One side refused the other: nothing changes until somebody acts. It is tried now and then. */
  | { readonly kind: "refused"; readonly fault: Fault }
  | { readonly kind: "down"; readonly fault: Fault };

export interface PeerLaneParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly security: PeerSecurity;
  readonly local: LocalNode;
  readonly onState: (state: LaneState) => void;
  /** What was under way may be lost. */
  readonly onLost: () => void;
}

export interface PeerLaneTarget {
  readonly peer: NodeId;
  readonly address: string;
  readonly lane: LaneName;
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
  #call: ExchangeCall | null = null;
  #writing = false;
  #dropped = 0;
  #sentMessages = 0;
  #sentFrames = 0;
  #sentBytes = 0;
  #ping: { readonly sequence: number; readonly sentAtMs: number } | null = null;
  #roundTripMs: number | null = null;

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

  counters(): LaneCounters {
    return {
      sentMessages: this.#sentMessages,
      sentFrames: this.#sentFrames,
      sentBytes: this.#sentBytes,
      droppedMessages: this.#dropped + this.#queue.dropped,
      queuedMessages: this.#queue.messages,
      queuedBytes: this.#queue.bytes,
      roundTripMs: this.#roundTripMs,
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
    const call = this.#call;
    if (call === null || this.#writing || this.#state.kind !== "up") return;
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
    this.#write(call, frame);
  }

  /** Connects, again and again, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onLost } = this.#parts;
    let failures = 0;
    while (!signal.aborted) {
      this.#become({ kind: "connecting" });
      const { reason, wasUp } = await this.#connection(signal);
      this.#queue.clear();
      if (signal.aborted) return;
      const refused = permanentRefusals.has(reason.code);
      this.#become({ kind: refused ? "refused" : "down", fault: reason });
      onLost();
      failures = wasUp ? 1 : failures + 1;
      await clock.sleep(backoffMs(failures, refused, this.#options, random), signal);
    }
  }

  /** Resolves when the connection has ended, for whatever reason. */
  #connection(signal: AbortSignal): Promise<{ reason: Fault; wasUp: boolean }> {
    const { security, clock } = this.#parts;
    const address = parsePeerAddress(this.#target.address);
    if (!address.ok) return Promise.resolve({ reason: address.fault, wasUp: false });
    const { promise, resolve } = Promise.withResolvers<{ reason: Fault; wasUp: boolean }>();
    let mismatch: Fault | null = null;
    const credentials = channelCredentials(
      address.value,
      this.#target.peer,
      security,
      (refusal) => {
        mismatch = refusal;
      },
    );
    if (!credentials.ok) return Promise.resolve({ reason: credentials.fault, wasUp: false });
    const { call, close } = openExchange(address.value, credentials.value, this.#options);
    const over = new AbortController();
    const end = (reason: Fault): void => {
      if (over.signal.aborted) return;
      const wasUp = this.#state.kind === "up";
      over.abort();
      signal.removeEventListener("abort", stop);
      this.#call = null;
      this.#writing = false;
      this.#ping = null;
      close();
      resolve({ reason, wasUp });
    };
    const stop = (): void => end(fault("E_PEER_STOPPED", "this node closed the connection"));
    signal.addEventListener("abort", stop, { once: true });
    call.on("data", (frame: Buffer) => {
      const reason = over.signal.aborted ? null : this.#onFrame(frame);
      if (reason !== null) end(reason);
    });
    call.on("end", () => end(fault("E_PEER_CLOSED", "the peer closed the connection")));
    call.on("error", (error) => end(mismatch ?? connectionFault(error)));
    this.#call = call;
    this.#write(call, encodeRequest({ $case: "hello", value: this.#hello() }));
    const { handshakeTimeoutMs } = this.#options;
    void clock.sleep(handshakeTimeoutMs, over.signal).then(() => {
      if (this.#state.kind === "up" || over.signal.aborted) return;
      end(fault("E_PEER_TIMEOUT", `no answer within ${handshakeTimeoutMs} ms`));
    });
    if (this.#target.lane === "prompt") void this.#keepMeasuring(call, over.signal);
    if (signal.aborted) stop();
    return promise;
  }

  #hello() {
    return helloTo(this.#target.peer, this.#target.lane, this.#parts.local);
  }

  /** Why the connection cannot go on; null while it can. */
  #onFrame(frame: Buffer): Fault | null {
    const decoded = decodeResponse(frame);
    if (!decoded.ok) return decoded.fault;
    const { $case, value } = decoded.value;
    switch ($case) {
      case "refusal":
        return refusalFrom(value);
      case "welcome": {
        const refusal = refusalOfWelcome(value, this.#target.peer, this.#parts.local);
        if (refusal !== null) return refusal;
        this.#become({ kind: "up" });
        this.flush();
        return null;
      }
      case "pong":
        if (value.sequence === this.#ping?.sequence) {
          this.#roundTripMs = this.#parts.clock.monotonicMs() - this.#ping.sentAtMs;
        }
        return null;
    }
  }

  async #keepMeasuring(call: ExchangeCall, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    for (let sequence = 1; ; sequence++) {
      await clock.sleep(this.#options.pingEveryMs, signal);
      if (signal.aborted) return;
      if (this.#state.kind !== "up" || this.#writing) continue;
      this.#ping = { sequence, sentAtMs: clock.monotonicMs() };
      this.#write(call, encodeRequest({ $case: "ping", value: { sequence } }));
    }
  }

  #write(call: ExchangeCall, frame: Buffer): void {
    this.#writing = true;
    this.#sentFrames++;
    this.#sentBytes += frame.length;
    // Called when the frame was handed to the socket: until then the peer is not ready for more.
    call.write(frame, () => {
      if (this.#call !== call) return;
      this.#writing = false;
      this.flush();
    });
  }

  #become(state: LaneState): void {
    this.#state = state;
    this.#parts.onState(state);
  }
}
