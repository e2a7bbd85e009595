/** What the gRPC server needs from the node, and how it is set up. */

import type { Fault, Result } from "../../base/index.ts";

export type GrpcRejectionReason =
  | "connection_limit"
  | "malformed"
  | "not_grpc"
  | "not_served"
  | "unreadable"
  | "stalled"
  | "no_keep_alive";

export interface GrpcMetrics {
  /** `durationMs` is null for a stream. */
  grpcEnded(call: {
    readonly path: string;
    readonly code: number;
    readonly durationMs: number | null;
  }): void;
  grpcRejected(reason: GrpcRejectionReason): void;
  grpcOpen(open: { readonly connections: number; readonly calls: number }): void;
}

export interface GrpcServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly maxConnections: number;
  /** The largest message that is read. */
  readonly maxMessageBytes: number;
  /** Serve without authentication on an address others can reach. */
  readonly insecure: boolean;
  /** A silent connection is asked so often whether somebody is there, */
  readonly keepAliveMs?: number;
  /** and has so long to answer. */
  readonly keepAliveTimeoutMs?: number;
  /** In PEM; with `ca`, clients must show a certificate of it. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer };
}

export type GrpcListenFaultCode =
  | "E_LISTEN_NOT_LOOPBACK"
  | "E_ADDRESS_IN_USE"
  | "E_ADDRESS_NOT_AVAILABLE"
  | "E_ADDRESS_NOT_PERMITTED"
  | "E_LISTEN_FAILED";

export type GrpcListening = Promise<
  Result<{ readonly host: string; readonly port: number }, Fault<GrpcListenFaultCode>>
>;
