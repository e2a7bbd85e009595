/**
 * The port to the other members. It may lose, repeat, delay and reorder messages; it must not alter
 * them, nor let one slow peer hold up another.
 */

import type { NodeId } from "../base/index.ts";
import type { Member } from "./membership.ts";
import type { Message } from "./message.ts";

export interface PeerHandlers {
  onMessage(message: Message): void;
  /** What was under way to this peer may be lost. */
  onUnreachable(peer: NodeId): void;
}

/** @public */
export interface PeerTransport {
  start(handlers: PeerHandlers): Promise<void>;
  /** Whom to keep connections to: those a membership names, without this node. */
  setPeers(peers: readonly Member[]): void;
  /** Queues the messages of one step. What does not fit is dropped and counted. */
  send(messages: readonly Message[]): void;
  stop(): Promise<void>;
}
