/** The gRPC server against clients that behave, and those that do not. */

import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  type GrpcRejectionReason,
  GrpcServer,
  type GrpcServerOptions,
  type Methods,
} from "../../../src/api/grpc/index.ts";
import { framed } from "../../../src/api/grpc/message-framing.ts";
import { silentLogger } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/node/system-clock.ts";

const methods: Methods = {
  "/test.Echo/Once": { kind: "unary", answer: (message) => message },
  "/test.Echo/Later": {
    kind: "unary",
    answer: (message) => new Promise((resolve) => setTimeout(() => resolve(message), 100)),
  },
  "/test.Echo/Never": {
    kind: "unary",
    answer: (_, context) =>
      new Promise((resolve) => {
        context.signal.addEventListener("abort", () => {
          aborted++;
          resolve(Buffer.alloc(0));
        });
      }),
  },
  "/test.Echo/Refuse": {
    kind: "unary",
    answer: () => ({ code: "notFound", message: "there is no 100% größe" }),
  },
  "/test.Echo/Break": {
    kind: "unary",
    answer() {
      throw new Error("a bug");
    },
  },
  "/test.Echo/Many": {
    kind: "stream",
    open: (call) => ({
      message: (message) => void call.send(message),
      halfClosed: () => call.end(),
      drained() {},
      closed() {},
    }),
  },
};
let aborted = 0;

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function serve(options: Partial<GrpcServerOptions> = {}) {
  const rejected: GrpcRejectionReason[] = [];
  const ended: { path: string; code: number }[] = [];
  const server = new GrpcServer(
    {
      methods,
      metrics: {
        grpcEnded: ({ path, code }) => void ended.push({ path, code }),
        grpcRejected: (reason) => void rejected.push(reason),
        grpcOpen() {},
      },
      clock: systemClock,
      logger: silentLogger,
    },
    {
      listen: { host: "127.0.0.1", port: 0 },
      maxConnections: 8,
      maxMessageBytes: 1_000,
      insecure: false,
      ...options,
    },
  );
  const started = await server.start();
  if (!started.ok) throw new Error(started.fault.message);
  toClose.push(() => server.stop());
  return { server, port: started.value.port, rejected, ended };
}

function client(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  toClose.push(() => session.destroy());
  return session;
}

interface Outcome {
  status: unknown;
  grpcStatus: unknown;
  grpcMessage: unknown;
  body: Buffer;
}

function call(
  session: ClientHttp2Session,
  path: string,
  body: Buffer | readonly Buffer[],
  headers: Record<string, string> = {},
): Promise<Outcome> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  return new Promise((resolve, reject) => {
    const outcome: Outcome = {
      status: 0,
      grpcStatus: undefined,
      grpcMessage: undefined,
      body: Buffer.alloc(0),
    };
    const note = (fields: Record<string, unknown>) => {
      outcome.status = fields[":status"] ?? outcome.status;
      outcome.grpcStatus = fields["grpc-status"] ?? outcome.grpcStatus;
      outcome.grpcMessage = fields["grpc-message"] ?? outcome.grpcMessage;
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (chunk: Buffer) => {
      outcome.body = Buffer.concat([outcome.body, chunk]);
    });
    stream.on("close", () => resolve(outcome));
    stream.on("error", reject);
    for (const part of Array.isArray(body) ? body : [body]) stream.write(part);
    stream.end();
  });
}

const message = (text: string) => Buffer.from(framed(Buffer.from(text)));

describe("a unary call", () => {
  it("is answered with a message and trailers", async () => {
    const { port, ended } = await serve();
    const outcome = await call(client(port), "/test.Echo/Once", message("hello"));
    expect(outcome).toMatchObject({ status: 200, grpcStatus: "0", body: message("hello") });
    expect(ended).toEqual([{ path: "/test.Echo/Once", code: 0 }]);
  });

  it("may come in single bytes", async () => {
    const { port } = await serve();
    const bytes = [...message("in pieces")].map((byte) => Buffer.from([byte]));
    expect((await call(client(port), "/test.Echo/Once", bytes)).body).toEqual(message("in pieces"));
  });

  it("is refused in trailers alone, with its message percent-encoded", async () => {
    const { port } = await serve();
    const outcome = await call(client(port), "/test.Echo/Refuse", message(""));
    expect(outcome).toMatchObject({
      status: 200,
      grpcStatus: "5",
      grpcMessage: "there is no 100%25 gr%C3%B6%C3%9Fe",
    });
  });

  it.each([
    ["/test.Echo/Twice", "unknown method Twice for service test.Echo"],
    ["/test.Nothing/Once", "unknown service test.Nothing"],
    ["/__proto__", 'malformed method name: "/__proto__"'],
  ])("%s is not there: %s", async (path, words) => {
    const { port } = await serve();
    const outcome = await call(client(port), path, message(""));
    expect(outcome).toMatchObject({ grpcStatus: "12", grpcMessage: words });
  });

  it("is refused when it is larger than allowed", async () => {
    const { port } = await serve();
    const outcome = await call(client(port), "/test.Echo/Once", message("x".repeat(1_001)));
    expect(outcome).toMatchObject({
      grpcStatus: "8",
      grpcMessage: "grpc: received message larger than max (1001 vs. 1000)",
    });
  });

  it("is refused when it is compressed", async () => {
    const { port } = await serve();
    const outcome = await call(client(port), "/test.Echo/Once", message(""), {
      "grpc-encoding": "gzip",
    });
    expect(outcome).toMatchObject({
      grpcStatus: "12",
      grpcMessage: 'grpc: Decompressor is not installed for grpc-encoding "gzip"',
    });
  });

  it("ends at the client's deadline, and whoever worked on it is told", async () => {
    const { port } = await serve();
    const before = aborted;
    const outcome = await call(client(port), "/test.Echo/Never", message(""), {
      "grpc-timeout": "50m",
    });
    expect(outcome).toMatchObject({ grpcStatus: "4" });
    expect(aborted).toBe(before + 1);
  });

  it("without a message, or with half of one, is refused", async () => {
    const { port } = await serve();
    const session = client(port);
    expect((await call(session, "/test.Echo/Once", [])).grpcStatus).toBe("13");
    const half = message("hello").subarray(0, 7);
    expect((await call(session, "/test.Echo/Once", half)).grpcStatus).toBe("13");
  });

  it("that meets a bug is answered, and the next one as always", async () => {
    const { port, rejected } = await serve();
    const session = client(port);
    expect((await call(session, "/test.Echo/Break", message(""))).grpcStatus).toBe("13");
    expect((await call(session, "/test.Echo/Once", message("on"))).grpcStatus).toBe("0");
    expect(rejected).toEqual(["unreadable"]);
  });

  it("that its client takes back is told to whoever works on it", async () => {
    const { port, ended } = await serve();
    const session = client(port);
    const before = aborted;
    const stream = session.request({
      ":method": "POST",
      ":path": "/test.Echo/Never",
      "content-type": "application/grpc",
    });
    stream.on("error", () => {});
    stream.write(message(""));
    await new Promise((resolve) => setTimeout(resolve, 50));
    stream.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => aborted).toBe(before + 1);
    expect(ended).toEqual([{ path: "/test.Echo/Never", code: 1 }]);
  });
});

describe("a stream", () => {
  it("carries many messages both ways, several in one frame", async () => {
    const { port } = await serve();
    const bodies = Buffer.concat([message("one"), message("two"), message("three")]);
    const outcome = await call(client(port), "/test.Echo/Many", bodies);
    expect(outcome).toMatchObject({ grpcStatus: "0", body: bodies });
  });
});

describe("what is not gRPC", () => {
  it("is answered in HTTP's words", async () => {
    const { port, rejected } = await serve();
    const session = client(port);
    const json = { "content-type": "application/json" };
    expect((await call(session, "/test.Echo/Once", [], json)).status).toBe(415);
    expect((await call(session, "/test.Echo/Once", [], { ":method": "PUT" })).status).toBe(405);
    expect(rejected).toEqual(["not_grpc", "not_grpc"]);
  });

  it("is cut off when it is not HTTP/2 either", async () => {
    const { port, rejected } = await serve();
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(4));
    await closed;
    expect(rejected).toEqual(["malformed"]);
  });

  it("is cut off when it never says a word", async () => {
    const { port, rejected } = await serve({ keepAliveMs: 300, keepAliveTimeoutMs: 300 });
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    await new Promise((resolve) => socket.on("close", resolve));
    expect(rejected).toEqual(["no_keep_alive"]);
  });
});

describe("the server", () => {
  it("takes no more connections than it may", async () => {
    const { port, rejected } = await serve({ maxConnections: 2 });
    const sockets: Socket[] = [1, 2, 3].map(() => connect(port, "127.0.0.1"));
    toClose.push(() => sockets.forEach((socket) => void socket.destroy()));
    await expect.poll(() => rejected).toContain("connection_limit");
  });

  it("refuses an address that others can reach, unless told that it is meant", async () => {
    const server = new GrpcServer(
      {
        methods,
        metrics: { grpcEnded() {}, grpcRejected() {}, grpcOpen() {} },
        clock: systemClock,
        logger: silentLogger,
      },
      {
        listen: { host: "0.0.0.0", port: 0 },
        maxConnections: 1,
        maxMessageBytes: 1,
        insecure: false,
      },
    );
    const started = await server.start();
    expect(started.ok ? null : started.fault.code).toBe("E_LISTEN_NOT_LOOPBACK");
    await server.stop();
  });

  it("finishes what is under way when it stops, and ends streams with a word", async () => {
    const { server, port } = await serve();
    const session = client(port);
    const later = call(session, "/test.Echo/Later", message("still"));
    const stream = session.request({
      ":method": "POST",
      ":path": "/test.Echo/Many",
      "content-type": "application/grpc",
    });
    const trailers = new Promise<Record<string, unknown>>((resolve) => {
      stream.on("response", (fields) => {
        if (fields["grpc-status"] !== undefined) resolve(fields);
      });
      stream.on("trailers", resolve);
    });
    stream.write(message("hello"));
    await new Promise((resolve) => stream.once("data", resolve));
    await server.stop();
    expect(await later).toMatchObject({ grpcStatus: "0", body: message("still") });
    expect(await trailers).toMatchObject({
      "grpc-status": "14",
      "grpc-message": "etcdserver: server stopped",
    });
  });

  it("stops although a client does not want to go", async () => {
    const { server, port } = await serve();
    const session = client(port);
    void call(session, "/test.Echo/Never", message("")).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.stop();
    expect(server.health().state).toBe("failed");
  });
});
