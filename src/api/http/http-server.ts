import type { HttpServer, HttpServerOptions, HttpServerParts } from "./ports.ts";
export function createHttpServer(_parts: HttpServerParts, _options: HttpServerOptions): HttpServer {
  throw new Error("under construction");
}
