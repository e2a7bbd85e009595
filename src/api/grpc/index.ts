/** The gRPC server; it knows no service. */

export { GrpcServer, type GrpcServerParts } from "./grpc-server.ts";
export type { Method, Methods } from "./method.ts";
export type { GrpcMetrics, GrpcRejectionReason, GrpcServerOptions } from "./server-ports.ts";
