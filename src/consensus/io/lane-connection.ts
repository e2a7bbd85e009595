/**
 * One connection of a lane, from the first packet to its end: the dialer's side of the handshake,
 * and how long the way is. It ends once, with a reason; whoever owns it decides what comes next.
 */

import { type Clock, type Fault, fault, type NodeId, ok, type Result } from "../../base/index.ts";
import { connectionFault } from "./connection-fault.ts";
import { type OpenExchange, openExchange } from "./exchange-call.ts";
import { decodeResponse, encodeRequest } from "./exchange-frames.ts";
import { parsePeerAddress } from "./peer-address.ts";
import { channelCredentials, type PeerSecurity } from "./peer-credentials.ts";
import {
  helloTo,
  type LaneName,
  type LocalNode,
  refusalFrom,
  refusalOfWelcome,
} from "./peer-handshake.ts";
import type { PeerTransportOptions } from "./peer-transport-options.ts";

export interface LaneConnectionParts {
  readonly clock: Clock;
  readonly security: PeerSecurity;
  readonly local: LocalNode;
}

export interface PeerLaneTarget {
  readonly peer: NodeId;
  readonly address: string;
  readonly lane: LaneName;
}

/** Faults: E_PEER_ADDRESS, E_PEER_INSECURE, E_PEER_CREDENTIALS. Nothing was sent then. */
export function openLaneConnection(
  parts: LaneConnectionParts,
  target: PeerLaneTarget,
  options: PeerTransportOptions,
  onUp: () => void,
): Result<LaneConnection> {
  const address = parsePeerAddress(target.address);
  if (!address.ok) return address;
  let mismatch: Fault | null = null;
  const onMismatch = (refusal: Fault) => {
    mismatch = refusal;
  };
  const { peer } = target;
  const credentials = channelCredentials(address.value, peer, parts.security, onMismatch);
  if (!credentials.ok) return credentials;
  const exchange = openExchange(address.value, credentials.value, options);
  const connection = new LaneConnection({ ...parts, exchange, onUp }, target, options);
  exchange.call.on("data", (frame: Buffer) => connection.receive(frame));
  exchange.call.on("end", () =>
    connection.end(fault("E_PEER_CLOSED", "the peer closed the connection")),
  );
  // The words of TLS would not say whose certificate it was.
  exchange.call.on("error", (error) => connection.end(mismatch ?? connectionFault(error)));
  connection.begin();
  return ok(connection);
}

interface OpenedParts extends LaneConnectionParts {
  readonly exchange: OpenExchange;
  readonly onUp: () => void;
}

export class LaneConnection {
  readonly ended: Promise<Fault>;
  readonly #parts: OpenedParts;
  readonly #target: PeerLaneTarget;
  readonly #options: PeerTransportOptions;
  readonly #over = new AbortController();
  readonly #resolveEnded: (reason: Fault) => void;
  #upSinceMs: number | null = null;
  #ping: { readonly sequence: number; readonly sentAtMs: number } | null = null;
  #roundTripMs: number | null = null;

  constructor(parts: OpenedParts, target: PeerLaneTarget, options: PeerTransportOptions) {
    this.#parts = parts;
    this.#target = target;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<Fault>();
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  /** Since the Welcome, in milliseconds; 0 before it. */
  get upForMs(): number {
    return this.#upSinceMs === null ? 0 : this.#parts.clock.monotonicMs() - this.#upSinceMs;
  }

  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  begin(): void {
    const { clock, local } = this.#parts;
    const { peer, lane } = this.#target;
    const { handshakeTimeoutMs } = this.#options;
    const { signal } = this.#over;
    this.write(encodeRequest({ $case: "hello", value: helloTo(peer, lane, local) }));
    void clock.sleep(handshakeTimeoutMs, signal).then(() => {
      if (this.#upSinceMs !== null) return;
      this.end(fault("E_PEER_TIMEOUT", `no answer within ${handshakeTimeoutMs} ms`));
    });
    if (lane === "prompt") void this.#keepMeasuring(signal);
  }

  /** `onWritten` is called when the frame left for the socket: the peer is ready for more. */
  write(frame: Buffer, onWritten?: () => void): void {
    this.#parts.exchange.call.write(frame, () => {
      if (!this.#over.signal.aborted) onWritten?.();
    });
  }

  receive(frame: Buffer): void {
    const reason = this.#over.signal.aborted ? null : this.#reasonToEnd(frame);
    if (reason !== null) this.end(reason);
  }

  end(reason: Fault): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#parts.exchange.close();
    this.#resolveEnded(reason);
  }

  #reasonToEnd(frame: Buffer): Fault | null {
    const decoded = decodeResponse(frame);
    if (!decoded.ok) return decoded.fault;
    const { $case, value } = decoded.value;
    const { clock, local, onUp } = this.#parts;
    switch ($case) {
      case "refusal":
        return refusalFrom(value);
      case "welcome": {
        const refusal = refusalOfWelcome(value, this.#target.peer, local);
        if (refusal !== null) return refusal;
        this.#upSinceMs = clock.monotonicMs();
        onUp();
        return null;
      }
      case "pong":
        if (value.sequence === this.#ping?.sequence) {
          this.#roundTripMs = clock.monotonicMs() - this.#ping.sentAtMs;
        }
        return null;
    }
  }

  async #keepMeasuring(signal: AbortSignal): Promise<void> {
    const { clock, exchange } = this.#parts;
    for (let sequence = 1; ; sequence++) {
      await clock.sleep(this.#options.pingEveryMs, signal);
      if (signal.aborted) return;
      // Behind frames that wait it would measure them, not the way.
      if (this.#upSinceMs === null || exchange.call.writableLength > 0) continue;
      this.#ping = { sequence, sentAtMs: clock.monotonicMs() };
      this.write(encodeRequest({ $case: "ping", value: { sequence } }));
    }
  }
}
