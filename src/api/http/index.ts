/** The HTTP face of the node. */

export { createHttpServer } from "./http-server.ts";
export type {
  HttpServer,
  HttpServerOptions,
  HttpServerParts,
  ListenFaultCode,
  LoopPort,
  MetricsPort,
} from "./ports.ts";
