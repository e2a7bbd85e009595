/**
 * The other end of the lanes: checks who opens a stream, then turns its frames into messages. Knows
 * that a stream is worth nothing before its Hello, and that the newest stream of a lane replaces the
 * one before, which may be the leftover of a peer that restarted.
 */

import {
  type Clock,
  type Fault,
  failed,
  fault,
  type Logger,
  type NodeId,
  ok,
  type Result,
} from "../../base/index.ts";
import type * as wire from "../../wire/meshmend/peer/v1/peer.ts";
import type { Member } from "../membership.ts";
import type { Message } from "../message.ts";
import type { AcceptedExchange } from "./exchange-call.ts";
import { decodeRequest, encodeResponse, messagesOf } from "./exchange-frames.ts";
import type { Envelope } from "./message-codec.ts";
import { mismatchOf } from "./peer-credentials.ts";
import { type LocalNode, laneOf, refusalOfHello, welcomeOf } from "./peer-handshake.ts";
import { widenReceiveWindow } from "./receive-window.ts";

export interface PeerAcceptorParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly local: LocalNode;
  readonly onMessage: (message: Message) => void;
  /** The connection this call came on has proved itself. */
  readonly onAdmitted: (connection: string) => void;
  /** A peer has opened a stream, and says where it is reached. */
  readonly onMet: (peer: Member) => void;
  /** Its last stream is over. */
  readonly onParted: (peer: NodeId) => void;
}

export interface ReceivedCounters {
  readonly receivedMessages: number;
  readonly receivedFrames: number;
  readonly receivedBytes: number;
}

export interface PeerAcceptorStatus {
  readonly received: ReadonlyMap<NodeId, ReceivedCounters>;
  /** Streams that peers, or strangers not found out yet, have open to this node. */
  readonly openStreams: number;
  /** Streams refused since the start, by code. */
  readonly refusals: Readonly<Record<string, number>>;
}

interface AcceptedStream {
  readonly call: AcceptedExchange;
  readonly envelope: Envelope;
  readonly key: string;
  readonly counters: { receivedMessages: number; receivedFrames: number; receivedBytes: number };
}

/** Peers come and go over months; what was counted of those long gone may be forgotten. */
const maxCountedPeers = 64;
/** Strangers may knock as often as they like; the log hears of it once in a while. */
const refusalLogEveryMs = 1_000;

export class PeerAcceptor {
  readonly #parts: PeerAcceptorParts;
  readonly #handshakeTimeoutMs: number;
  readonly #streams = new Map<string, AcceptedStream>();
  readonly #calls = new Set<AcceptedExchange>();
  readonly #received = new Map<NodeId, AcceptedStream["counters"]>();
  readonly #refusals: Record<string, number> = {};
  #lastLogMs = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(parts: PeerAcceptorParts, options: { readonly handshakeTimeoutMs: number }) {
    this.#parts = parts;
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs;
  }

  /** gRPC's handler of `Exchange`. */
  accept(call: AcceptedExchange): void {
    this.#calls.add(call);
    let stream: AcceptedStream | null = null;
    const over = new AbortController();
    const forget = (): void => {
      over.abort();
      this.#calls.delete(call);
      if (stream !== null && this.#streams.get(stream.key) === stream) {
        this.#streams.delete(stream.key);
        this.#part(stream.envelope.from);
      }
    };
    // A stream that breaks is the dialer's to open anew.
    call.on("error", forget);
    call.on("cancelled", forget);
    call.on("close", forget);
    call.on("end", () => {
      forget();
      call.end();
    });
    call.on("data", (frame: Buffer) => {
      if (over.signal.aborted) return;
      const outcome = stream === null ? this.#admit(call, frame) : this.#receive(stream, frame);
      if (!outcome.ok) {
        this.#refuse(call, outcome.fault, stream?.envelope.from ?? null);
        forget();
      } else if (stream === null) {
        stream = outcome.value;
        this.#streams.set(stream.key, stream);
      }
    });
    void this.#parts.clock.sleep(this.#handshakeTimeoutMs, over.signal).then(() => {
      if (over.signal.aborted || stream !== null) return;
      this.#refuse(call, fault("E_PEER_TIMEOUT", "the stream began without a Hello"), null);
      forget();
    });
  }

  status(): PeerAcceptorStatus {
    const [received, refusals] = [new Map(this.#received), { ...this.#refusals }];
    return { received, openStreams: this.#calls.size, refusals };
  }

  /** Ends every stream; their dialers see that this node went. */
  close(): void {
    for (const call of this.#calls) call.end();
    this.#calls.clear();
    this.#streams.clear();
  }

  #admit(call: AcceptedExchange, frame: Buffer): Result<AcceptedStream> {
    const { local, onAdmitted } = this.#parts;
    const decoded = decodeRequest(frame);
    if (!decoded.ok) return decoded;
    if (decoded.value.$case !== "hello") {
      return failed(fault("E_PEER_MALFORMED", "the stream began without a Hello"));
    }
    const hello = decoded.value.value;
    const refusal = refusalOfHello(hello, local) ?? this.#mismatch(call, hello);
    if (refusal !== null) return failed(refusal);
    const from = hello.from as NodeId;
    const key = `${laneOf(hello)} ${from}`;
    this.#streams.get(key)?.call.end();
    onAdmitted(call.getPeer());
    widenReceiveWindow(call);
    if (hello.address !== "") this.#parts.onMet({ id: from, address: hello.address });
    call.write(encodeResponse({ $case: "welcome", value: welcomeOf(local) }));
    const envelope = { clusterId: local.clusterId, from, to: local.id };
    return ok({ call, envelope, key, counters: this.#countersOf(from) });
  }

  #part(peer: NodeId): void {
    for (const { envelope } of this.#streams.values()) if (envelope.from === peer) return;
    this.#parts.onParted(peer);
  }

  /** With TLS, whoever says a name must have a certificate of it. */
  #mismatch(call: AcceptedExchange, { from }: wire.Hello): Fault | null {
    const { transportSecurityType, sslPeerCertificate } = call.getAuthContext();
    if (transportSecurityType === undefined) return null;
    return mismatchOf(sslPeerCertificate ?? {}, from as NodeId);
  }

  #receive(stream: AcceptedStream, frame: Buffer): Result<AcceptedStream> {
    const { counters, call, envelope } = stream;
    counters.receivedFrames++;
    counters.receivedBytes += frame.length;
    const decoded = decodeRequest(frame);
    if (!decoded.ok) return decoded;
    switch (decoded.value.$case) {
      case "hello":
        return failed(fault("E_PEER_MALFORMED", "a second Hello on one stream"));
      case "ping":
        // Whoever does not read the answers gets no more of them: they would pile up here.
        if (!call.writableNeedDrain) {
          call.write(encodeResponse({ $case: "pong", value: decoded.value.value }));
        }
        return ok(stream);
      case "batch": {
        const messages = messagesOf(decoded.value.value, envelope);
        if (!messages.ok) return messages;
        counters.receivedMessages += messages.value.length;
        for (const message of messages.value) this.#parts.onMessage(message);
        return ok(stream);
      }
    }
  }

  #refuse(call: AcceptedExchange, refusal: Fault, from: NodeId | null): void {
    const { code, message } = refusal;
    this.#refusals[code] = (this.#refusals[code] ?? 0) + 1;
    call.write(encodeResponse({ $case: "refusal", value: { code, message } }));
    call.end();
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#lastLogMs < refusalLogEveryMs) {
      this.#unlogged++;
      return;
    }
    const fields = { from: from ?? call.getPeer(), fault: refusal, unlogged: this.#unlogged };
    this.#parts.logger.warn("a stream on the peer port is refused", fields);
    this.#lastLogMs = nowMs;
    this.#unlogged = 0;
  }

  #countersOf(peer: NodeId): AcceptedStream["counters"] {
    const known = this.#received.get(peer);
    if (known !== undefined) return known;
    const counters = { receivedMessages: 0, receivedFrames: 0, receivedBytes: 0 };
    const [oldest] = this.#received.keys();
    if (this.#received.size >= maxCountedPeers && oldest !== undefined) {
      this.#received.delete(oldest);
    }
    this.#received.set(peer, counters);
    return counters;
  }
}
