/** The numbers of the peer transport, with their reasons. */

import type { BackoffOptions } from "./backoff.ts";
import type { ConnectionLimits } from "./exchange-call.ts";

export interface QueueLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

export interface PeerTransportOptions extends ConnectionLimits, BackoffOptions {
  /** From the first packet to the Welcome: connecting, TLS and the handshake. */
  readonly handshakeTimeoutMs: number;
  /** A frame takes no more than this from the queue, but at least one message. */
  readonly batchBytes: number;
  /** Per peer, for what must be prompt: more than this waiting means it is not moving at all. */
  readonly promptQueue: QueueLimits;
  /** Per peer, for entries and snapshots; well above what Raft has in flight to one peer. */
  readonly bulkQueue: QueueLimits;
  readonly pingEveryMs: number;
}

export const defaultPeerTransportOptions: PeerTransportOptions = {
  maxFrameBytes: 8 << 20,
  keepaliveMs: 5_000,
  keepaliveTimeoutMs: 5_000,
  reconnectMs: 50,
  maxReconnectMs: 2_000,
  refusedRetryMs: 10_000,
  handshakeTimeoutMs: 5_000,
  batchBytes: 1 << 20,
  promptQueue: { maxMessages: 1_024, maxBytes: 1 << 20 },
  bulkQueue: { maxMessages: 256, maxBytes: 16 << 20 },
  pingEveryMs: 2_000,
};
