/** A stretch of network between two processes that can be slow, or go silent without a word. */

import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  readonly port: number;
  /** Nothing passes any more, but no connection is closed. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export interface TcpProxyOptions {
  /** Per connection and direction; unlimited by default. */
  readonly bytesPerSecond?: number;
}

export async function startTcpProxy(
  targetPort: number,
  { bytesPerSecond = Number.POSITIVE_INFINITY }: TcpProxyOptions = {},
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const pass = (from: Socket, to: Socket): void => {
    from.on("data", (chunk: Buffer) => {
      to.write(chunk);
      const pauseMs = (chunk.length / bytesPerSecond) * 1_000;
      if (pauseMs < 1) return;
      from.pause();
      setTimeout(() => !frozen && from.resume(), pauseMs);
    });
    from.on("close", () => to.destroy());
    from.on("error", () => undefined);
  };
  const server = createServer((inner) => {
    const outer = connect(targetPort, "127.0.0.1");
    for (const socket of [inner, outer]) {
      sockets.add(socket.setNoDelay());
      socket.on("close", () => sockets.delete(socket));
      if (frozen) socket.pause();
    }
    pass(inner, outer);
    pass(outer, inner);
    if (frozen) for (const socket of [inner, outer]) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
