/**
 * PeerTransport over gRPC: two outgoing streams to each peer, and whatever streams peers open to
 * this node. Puts the parts together; none of them knows of the others.
 */

import { assert, type Clock, type Logger, type NodeId, type Random } from "../../base/index.ts";
import type { Member } from "../membership.ts";
import type { Message } from "../message.ts";
import type { PeerHandlers, PeerTransport } from "../peer-transport.ts";
import { type AcceptedExchange, exchangeService } from "./exchange-call.ts";
import { PeerAcceptor, type PeerAcceptorStatus } from "./peer-acceptor.ts";
import type { PeerSecurity } from "./peer-credentials.ts";
import type { LocalNode } from "./peer-handshake.ts";
import { PeerLink, type PeerLinkStatus } from "./peer-link.ts";
import type { PeerListener } from "./peer-listener.ts";
import type { PeerTransportOptions } from "./peer-transport-options.ts";

export interface GrpcPeerTransportParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly security: PeerSecurity;
  /** Its owner starts it after this transport was made, and stops it after this one. */
  readonly listener: Pick<PeerListener, "serve" | "admit">;
}

export interface PeerTransportStatus extends PeerAcceptorStatus {
  readonly peers: readonly PeerLinkStatus[];
  /** Messages to nodes that are no peers of this one. */
  readonly unaddressed: number;
}

export class GrpcPeerTransport implements PeerTransport {
  readonly #parts: GrpcPeerTransportParts;
  readonly #local: LocalNode;
  readonly #options: PeerTransportOptions;
  readonly #acceptor: PeerAcceptor;
  readonly #links = new Map<NodeId, PeerLink>();
  readonly #closing = new Set<Promise<void>>();
  /** Links with something to send, until the end of this turn. */
  readonly #touched = new Set<PeerLink>();
  #flushScheduled = false;
  #handlers: PeerHandlers | null = null;
  #peers: readonly Member[] = [];
  #unaddressed = 0;

  constructor(parts: GrpcPeerTransportParts, local: LocalNode, options: PeerTransportOptions) {
    this.#parts = parts;
    this.#local = local;
    this.#options = options;
    const { clock, logger, listener } = parts;
    this.#acceptor = new PeerAcceptor(
      {
        clock,
        logger,
        local,
        onMessage: (message) => this.#handlers?.onMessage(message),
        onAdmitted: (connection) => listener.admit(connection),
      },
      options,
    );
    listener.serve(exchangeService, {
      exchange: (call: AcceptedExchange) => {
        // Before the start and after the stop the dialer shall try again later.
        if (this.#handlers === null) call.end();
        else this.#acceptor.accept(call);
      },
    });
  }

  start(handlers: PeerHandlers): Promise<void> {
    assert(this.#handlers === null, "a transport that is started once");
    this.#handlers = handlers;
    this.setPeers(this.#peers);
    return Promise.resolve();
  }

  setPeers(peers: readonly Member[]): void {
    this.#peers = peers;
    if (this.#handlers === null) return;
    for (const [id, link] of this.#links) {
      const same = peers.some((peer) => peer.id === id && peer.address === link.peer.address);
      if (!same) this.#close(id, link);
    }
    for (const peer of peers) {
      if (peer.id !== this.#local.id && !this.#links.has(peer.id)) this.#open(peer);
    }
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      const { from, clusterId } = message;
      const own = from === this.#local.id && clusterId === this.#local.clusterId;
      assert(own, "messages of this node and its cluster");
      const link = this.#links.get(message.to);
      if (link === undefined) this.#unaddressed++;
      else {
        link.offer(message);
        this.#flushSoon(link);
      }
    }
  }

  async stop(): Promise<void> {
    this.#handlers = null;
    for (const [id, link] of this.#links) this.#close(id, link);
    this.#acceptor.close();
    await Promise.all(this.#closing);
  }

  status(): PeerTransportStatus {
    const peers = [...this.#links.values()].map((link) => link.status());
    return { peers, unaddressed: this.#unaddressed, ...this.#acceptor.status() };
  }

  /** Once for all that is sent in this turn of the event loop: a frame costs far more than a message. */
  #flushSoon(link: PeerLink): void {
    this.#touched.add(link);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      for (const waiting of this.#touched) waiting.flush();
      this.#touched.clear();
    });
  }

  #open(peer: Member): void {
    const { clock, random, logger, security } = this.#parts;
    const onLost = () => this.#handlers?.onUnreachable(peer.id);
    const parts = { clock, random, logger, security, local: this.#local, onLost };
    this.#links.set(peer.id, new PeerLink(parts, peer, this.#options));
  }

  #close(id: NodeId, link: PeerLink): void {
    this.#links.delete(id);
    const closed = link.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
