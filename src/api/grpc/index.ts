/** The gRPC server; it knows no service. */

export { GrpcServer } from "./grpc-server.ts";
export type { Methods } from "./method.ts";
export type { GrpcMetrics, GrpcRejectionReason, GrpcServerOptions } from "./server-ports.ts";
