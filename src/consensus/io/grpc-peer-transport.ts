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

/** Members that this node does not know of: as many as a group may have, and a few to come. */
const maxAcquaintances = 16;

export class GrpcPeerTransport implements PeerTransport {
  readonly #parts: GrpcPeerTransportParts;
  readonly #local: LocalNode;
  readonly #options: PeerTransportOptions;
  readonly #acceptor: PeerAcceptor;
  readonly #links = new Map<NodeId, PeerLink>();
  readonly #closing = new Set<Promise<void>>();
  /** Links where only word of what is committed waits. */
  readonly #unhurried = new Set<PeerLink>();
  #flushScheduled = false;
  #handlers: PeerHandlers | null = null;
  #peers: readonly Member[] = [];
  /**
   * Who has a stream open to this node, and where it says it is reached. Not all are members to it:
   * the leader of a group it is new in, or one that leads until its own removal is agreed on.
   */
  readonly #present = new Map<NodeId, Member>();
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
        onMet: (peer) => this.#meet(peer),
        onParted: (peer) => this.#part(peer),
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
    this.#connect();
  }

  send(messages: readonly Message[]): void {
    const touched = new Set<PeerLink>();
    for (const message of messages) {
      const { from, clusterId } = message;
      const own = from === this.#local.id && clusterId === this.#local.clusterId;
      assert(own, "messages of this node and its cluster");
      const link = this.#links.get(message.to);
      if (link === undefined) this.#unaddressed++;
      else {
        link.offer(message);
        if (carriesNothing(message)) this.#flushSoon(link);
        else touched.add(link);
      }
    }
    // At once: this is all that its step has to say, and a frame costs far more than a message.
    for (const link of touched) link.flush();
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

  /**
   * After the next turn of the event loop: whoever was just answered has most likely more to write,
   * and the append that carries it tells what is committed as well.
   */
  #flushSoon(link: PeerLink): void {
    this.#unhurried.add(link);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() =>
      setImmediate(() => {
        this.#flushScheduled = false;
        for (const waiting of this.#unhurried) waiting.flush();
        this.#unhurried.clear();
      }),
    );
  }

  #meet(peer: Member): void {
    if (this.#handlers === null) return;
    this.#present.set(peer.id, peer);
    this.#connect();
  }

  #part(peer: NodeId): void {
    this.#present.delete(peer);
    if (this.#handlers !== null) this.#connect();
  }

  /**
   * To the members, and back to whoever speaks to this node; to where it says it is, for it may have
   * moved, and without an answer no majority would ever agree on its new address.
   */
  #connect(): void {
    const wanted = new Map(this.#peers.map((peer) => [peer.id, peer]));
    const enough = wanted.size + maxAcquaintances;
    for (const peer of this.#present.values()) {
      if (wanted.has(peer.id) || wanted.size < enough) wanted.set(peer.id, peer);
    }
    wanted.delete(this.#local.id);
    for (const [id, link] of this.#links) {
      if (wanted.get(id)?.address !== link.peer.address) this.#close(id, link);
    }
    for (const peer of wanted.values()) if (!this.#links.has(peer.id)) this.#open(peer);
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

const carriesNothing = (message: Message): boolean =>
  message.kind === "append" && message.entries.length === 0;
