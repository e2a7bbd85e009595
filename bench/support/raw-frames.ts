/**
 * The least that could carry a log: length-prefixed frames on one socket, writes of one turn
 * together, no handshake, no validation. A ceiling for what the peer transport is measured against.
 */

import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";

export interface Certificates {
  readonly authorities: string;
  readonly certificate: string;
  readonly key: string;
}

/** One end of a measurement. */
export interface Ends {
  readonly port: number;
  /** Follows: acknowledges whatever the leader at this port appends. */
  answer(leaderPort: number): void;
  /** Leads: `onAcknowledged` hears of entries the follower has. */
  connect(
    followerPort: number,
    onAcknowledged: (entries: number) => void,
  ): Promise<{ append(entries: readonly Uint8Array[]): void }>;
  close(): Promise<void>;
}

const headBytes = 8;

export async function openRawEnds(secret: Certificates | null): Promise<Ends> {
  const tls = secret && { ca: secret.authorities, cert: secret.certificate, key: secret.key };
  const strict = { minVersion: "TLSv1.3", requestCert: true } as const;
  const sockets: Socket[] = [];
  const answerOn = (socket: Socket) => {
    sockets.push(socket.setNoDelay());
    const out = coalesced(socket);
    readFrames(socket, (frame) => {
      const count = frame.readUInt32LE(4);
      // A log keeps each entry, so each is found and made a view.
      const entries: Uint8Array[] = [];
      for (let at = headBytes; entries.length < count; ) {
        const length = frame.readUInt32LE(at);
        entries.push(frame.subarray(at + 4, at + 4 + length));
        at += 4 + length;
      }
      const reply = Buffer.allocUnsafe(headBytes);
      reply.writeUInt32LE(headBytes, 0);
      reply.writeUInt32LE(entries.length, 4);
      out(reply);
    });
  };
  const server =
    tls === null ? createServer(answerOn) : createTlsServer({ ...tls, ...strict }, answerOn);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    answer() {},
    async connect(port, onAcknowledged) {
      const ready = Promise.withResolvers<void>();
      const socket =
        tls === null
          ? connect({ port, host: "127.0.0.1" }, ready.resolve)
          : connectTls({ ...tls, port, host: "127.0.0.1", servername: "localhost" }, ready.resolve);
      sockets.push(socket.setNoDelay());
      await ready.promise;
      readFrames(socket, (frame) => onAcknowledged(frame.readUInt32LE(4)));
      const out = coalesced(socket);
      return { append: (entries) => out(frameOf(entries)) };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function frameOf(entries: readonly Uint8Array[]): Buffer {
  const length = entries.reduce((sum, entry) => sum + 4 + entry.length, headBytes);
  const frame = Buffer.allocUnsafe(length);
  frame.writeUInt32LE(length, 0);
  frame.writeUInt32LE(entries.length, 4);
  let at = headBytes;
  for (const entry of entries) {
    frame.writeUInt32LE(entry.length, at);
    frame.set(entry, at + 4);
    at += 4 + entry.length;
  }
  return frame;
}

function coalesced(socket: Socket): (frame: Buffer) => void {
  let corked = false;
  return (frame) => {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    socket.write(frame);
  };
}

function readFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = rest.readUInt32LE(at);
      if (rest.length - at < length) break;
      onFrame(rest.subarray(at, at + length));
      at += length;
    }
    rest = rest.subarray(at);
  });
}
