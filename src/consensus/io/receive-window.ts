/**
 * How much a peer may have under way on a stream before this node has read it. HTTP/2 begins with
 * 64 KiB (RFC 9113, section 6.9.2): a batch above that stops half-way until word of the first half
 * having been read is back. gRPC for Node sets the dialer's window by an option and has none for the
 * acceptor's, so this reaches for the session behind the call. Should a later version hide it, the
 * window stays small and nothing else changes.
 */

import type { ServerHttp2Session } from "node:http2";
import type { AcceptedExchange } from "./exchange-call.ts";

/** As much as one frame of a lane takes from its queue. */
export const receiveWindowBytes = 1 << 20;
/** In one piece on the wire; 16 KiB at first, less than what 64 writers have under way. */
const frameBytes = 256 << 10;

/** For peers that are known: a stranger gets no more than HTTP/2 begins with. False if it cannot. */
export function widenReceiveWindow(call: AcceptedExchange): boolean {
  const session = sessionOf(call);
  if (session === null || session.destroyed) return false;
  session.setLocalWindowSize(receiveWindowBytes);
  session.settings({ initialWindowSize: receiveWindowBytes, maxFrameSize: frameBytes });
  return true;
}

/** Behind the call and the interceptors around it, of which there are a few at most. */
function sessionOf(call: unknown): ServerHttp2Session | null {
  let layer: unknown = call;
  for (let depth = 0; depth < 8 && isRecord(layer); depth++) {
    const stream = layer["stream"];
    if (isRecord(stream) && isSession(stream["session"])) return stream["session"];
    layer = layer["call"] ?? layer["nextCall"];
  }
  return null;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const isSession = (value: unknown): value is ServerHttp2Session =>
  isRecord(value) &&
  typeof value["setLocalWindowSize"] === "function" &&
  typeof value["settings"] === "function";
