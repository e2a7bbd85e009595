/** The HTTP face of the node. */

export { createHttpServer } from "./http-server.ts";
export { isLoopback } from "./loopback.ts";
export type { HttpServerOptions } from "./ports.ts";
