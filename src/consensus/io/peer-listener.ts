/**
 * The peer port: accepts connections, keeps strangers and idlers out, and hands the rest to gRPC.
 * The sockets are its own, so that their number, their TLS version and their first seconds are
 * bounded before any protocol of ours is spoken.
 */

import { createServer, type Server as NetServer, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  type Clock,
  type Fault,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Result,
} from "../../base/index.ts";
import { type ConnectionLimits, channelOptions } from "./exchange-call.ts";
import { formatPeerAddress, type PeerAddress } from "./peer-address.ts";
import {
  contextOptions,
  identityOf,
  type PeerIdentity,
  type PeerSecurity,
  refusalOfHost,
} from "./peer-credentials.ts";

export interface PeerListenerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly security: PeerSecurity;
}

export interface PeerListenerOptions extends ConnectionLimits {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly maxConnections: number;
  readonly maxStreamsPerConnection: number;
  /** A connection that has not shaken hands by then is cut. */
  readonly handshakeTimeoutMs: number;
}

/** All but where to listen. */
export const defaultPeerListenerOptions: Omit<PeerListenerOptions, "host" | "port"> = {
  maxFrameBytes: 8 << 20,
  keepaliveMs: 5_000,
  keepaliveTimeoutMs: 5_000,
  maxConnections: 256,
  maxStreamsPerConnection: 64,
  handshakeTimeoutMs: 5_000,
};

export interface PeerListenerStatus {
  readonly connections: number;
  readonly rejectedConnections: number;
  readonly insecure: boolean;
}

export class PeerListener {
  readonly #parts: PeerListenerParts;
  readonly #options: PeerListenerOptions;
  readonly #grpc: Server;
  readonly #net: NetServer;
  readonly #tls: TlsServer | null;
  readonly #injector: ReturnType<Server["createConnectionInjector"]>;
  /** By the name that gRPC gives to the other end of a call. */
  readonly #onProbation = new Map<string, AbortController>();
  readonly #sockets = new Set<Socket>();
  #identity: PeerIdentity | null = null;
  #identityFault: string | null = null;
  #rejected = 0;

  constructor(parts: PeerListenerParts, options: PeerListenerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#grpc = new Server({
      ...channelOptions(options),
      "grpc.max_concurrent_streams": options.maxStreamsPerConnection,
    });
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#net = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#net.maxConnections = options.maxConnections;
    this.#net.on("drop", () => this.#rejected++);
    this.#tls = parts.security.credentials === null ? null : this.#createTls();
  }

  /** Before `start`. */
  serve(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#grpc.addService(service, implementation);
  }

  /** Faults: E_PEER_INSECURE, E_PEER_CREDENTIALS, E_PEER_LISTEN. */
  async start(): Promise<Result<PeerAddress>> {
    const { host, port } = this.#options;
    const { security, logger } = this.#parts;
    const refusal = refusalOfHost(host, security);
    if (refusal !== null) return failed(refusal);
    const unusable = this.#refreshIdentity();
    if (unusable !== null) return failed(unusable);
    const bound = await new Promise<Result<PeerAddress>>((resolve) => {
      const onError = (error: Error): void => {
        const where = formatPeerAddress({ host, port });
        resolve(failed(fault("E_PEER_LISTEN", `cannot listen on ${where}: ${messageOf(error)}`)));
      };
      this.#net.once("error", onError);
      this.#net.listen({ host, port }, () => {
        this.#net.off("error", onError);
        const address = this.#net.address();
        const actual = typeof address === "object" && address !== null ? address.port : port;
        resolve(ok({ host, port: actual }));
      });
    });
    if (!bound.ok) return bound;
    // A failing accept (no descriptors left) costs a connection, not the node.
    this.#net.on("error", (error) => logger.warn("cannot accept a peer", { error }));
    if (security.insecure && security.credentials === null) {
      logger.warn("peers speak plaintext: whoever reaches this port can change the group", {
        address: formatPeerAddress(bound.value),
      });
    }
    return bound;
  }

  /** The connection a call came on belongs to a peer: it may stay. */
  admit(peer: string): void {
    this.#onProbation.get(peer)?.abort();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      // Not listening is no failure here: the aim is reached.
      this.#net.close(() => resolve());
    });
    for (const probation of this.#onProbation.values()) probation.abort();
    this.#grpc.forceShutdown();
    this.#injector.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  status(): PeerListenerStatus {
    const { credentials, insecure } = this.#parts.security;
    return {
      connections: this.#sockets.size,
      rejectedConnections: this.#rejected,
      insecure: insecure && credentials === null,
    };
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // Resets and garbage are the peer's affair; 'close' follows.
    socket.on("error", () => undefined);
    this.#watch(socket);
    if (this.#tls === null) {
      this.#injector.injectConnection(socket);
      return;
    }
    // Whoever cannot read the new files goes on with the old ones; the log says so.
    this.#refreshIdentity();
    this.#tls.emit("connection", socket);
  }

  #watch(socket: Socket): void {
    const { clock, logger } = this.#parts;
    const { handshakeTimeoutMs } = this.#options;
    const name = `${socket.remoteAddress}:${socket.remotePort}`;
    const probation = new AbortController();
    this.#onProbation.set(name, probation);
    socket.on("close", () => probation.abort());
    void clock.sleep(handshakeTimeoutMs, probation.signal).then(() => {
      if (this.#onProbation.get(name) === probation) this.#onProbation.delete(name);
      if (probation.signal.aborted) return;
      this.#rejected++;
      logger.debug("a connection that did not shake hands was cut", { from: name });
      socket.destroy();
    });
  }

  #createTls(): TlsServer {
    const options = {
      minVersion: "TLSv1.3",
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ["h2"],
      handshakeTimeout: this.#options.handshakeTimeoutMs,
    } as const;
    const server = createTlsServer(options, (socket: TLSSocket) => {
      socket.on("error", () => undefined);
      this.#injector.injectConnection(socket);
    });
    server.on("tlsClientError", (error, socket) => {
      this.#rejected++;
      const from = `${socket.remoteAddress}:${socket.remotePort}`;
      const refusal = fault("E_PEER_UNTRUSTED", messageOf(error));
      this.#parts.logger.warn("a connection to the peer port is refused", { from, fault: refusal });
    });
    return server;
  }

  /** Null when the certificate of now is in use; else why an older one, or none, still is. */
  #refreshIdentity(): Fault | null {
    const { credentials } = this.#parts.security;
    if (credentials === null || this.#tls === null) return null;
    const identity = identityOf(credentials);
    if (!identity.ok) {
      // Once, not for every connection that goes on with the certificate of before.
      if (identity.fault.message !== this.#identityFault) {
        this.#parts.logger.error("the peer certificate cannot be used", { fault: identity.fault });
      }
      this.#identityFault = identity.fault.message;
      return identity.fault;
    }
    this.#identityFault = null;
    if (identity.value === this.#identity) return null;
    this.#tls.setSecureContext(contextOptions(identity.value));
    this.#identity = identity.value;
    return null;
  }
}
