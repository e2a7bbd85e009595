import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { sampleId } from "../../compliance/sample-decision.ts";
import { eventually, exchange, RawClient, startServer, type TestServer } from "./support.ts";

const confirmation = `/api/v1/mape-k/decisions/${sampleId(3)}/confirmation`;

describe("the server", () => {
  let node: TestServer | undefined;
  afterEach(() => node?.server.stop());

  const isWell = async (server: TestServer) =>
    expect((await fetch(server.url("/health"))).status).toBe(200);

  it("refuses ten megabytes with 413 and takes none of them into memory", async () => {
    node = await startServer();
    const { port } = node;
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const upload = httpRequest({
        port,
        host: "127.0.0.1",
        method: "POST",
        path: confirmation,
        headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
      });
      upload.on("response", (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      upload.on("error", reject);
      upload.end(Buffer.alloc(10 * 1024 * 1024, "x"));
    });
    expect(status).toBe(413);
    expect(await node.measured('meshmend_http_rejected_total{reason="body_too_large"}')).toBe(1);
    await isWell(node);
  });

  it("stays well under two thousand pieces of garbage", { timeout: 60_000 }, async () => {
    node = await startServer({ maxConnections: 100 });
    const { port } = node;
    const garbage: (() => string | Buffer)[] = [
      () => randomBytes(64),
      () => randomBytes(4_096),
      () => "GET / HTTP/9.9\r\n\r\n",
      () => "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
      () => "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      () => "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
      () => `GET /${"%00".repeat(50)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      () => "\0".repeat(100),
      () => `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`,
      () =>
        "GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n",
    ];
    let sent = 0;
    while (sent < 2_000) {
      const round: Promise<unknown>[] = [];
      for (let i = 0; i < 20; i++) {
        const client = new RawClient(port);
        client.socket.end(garbage[sent++ % garbage.length]?.() ?? "");
        round.push(client.untilClosed());
      }
      await Promise.all(round);
      if (sent % 400 === 0) await isWell(node);
    }
    expect(await node.measured('meshmend_http_rejected_total{reason="malformed"}')).toBeGreaterThan(
      sent / 4,
    );
    await isWell(node);
    expect(node.log.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("answers pipelined requests in order", async () => {
    node = await startServer();
    const get = (path: string, more = "") =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
    const paths = Array.from({ length: 7 }, (_, i) => `/nope/${i}`);
    const requests = paths.map((path) => get(path)).join("");
    const answer = await exchange(node.port, requests + get("/last", "Connection: close\r\n"));
    const instances = [...answer.matchAll(/"instance":"([^"]*)"/g)].map(([, path]) => path);
    expect(instances).toEqual([...paths, "/last"]);
  });

  it("holds no answers for a client that only asks", async () => {
    node = await startServer();
    const client = new RawClient(node.port);
    client.socket.write("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000));
    const answer = await client.untilClosed();
    expect(answer.match(/HTTP\/1\.1 200/g)?.length ?? 0).toBeLessThanOrEqual(8);
    expect(await node.measured('meshmend_http_rejected_total{reason="pipeline_limit"}')).toBe(1);
    await isWell(node);
  });

  it("does not take a smuggled second request for a first", async () => {
    node = await startServer();
    const answer = await exchange(
      node.port,
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" +
        "0\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
  });

  it("refuses connections above its limit, counts them, and recovers", async () => {
    node = await startServer({ maxConnections: 5 });
    const { port } = node;
    const clients = Array.from({ length: 8 }, () => new RawClient(port));
    await eventually(() => clients.filter(({ closed }) => closed).length === 3);
    expect(await node.measured('meshmend_http_rejected_total{reason="connection_limit"}')).toBe(3);
    for (const { socket } of clients) socket.destroy();
    await delay(50);
    await isWell(node);
  });

  it("serves a connection a bounded number of requests", async () => {
    node = await startServer();
    const client = new RawClient(node.port);
    const one = "GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const count = () => client.received.match(/HTTP\/1\.1 404/g)?.length ?? 0;
    for (let sent = 8; sent <= 1_000; sent += 8) {
      client.socket.write(one.repeat(8));
      await eventually(() => count() === sent);
    }
    client.socket.write(one);
    await client.untilClosed();
    expect(count()).toBe(1_000);
  });
});

describe.concurrent("a slow client", () => {
  it("is cut when it drips its header", async ({ expect }) => {
    const node = await startServer();
    const client = new RawClient(node.port);
    client.socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n");
    const dripping = setInterval(() => client.socket.write("x: y\r\n"), 500);
    const startMs = performance.now();
    const answer = await client.untilClosed();
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1.1 408 .*E_REQUEST_TIMEOUT/s);
    expect(performance.now() - startMs).toBeGreaterThan(4_000);
    expect(await node.measured('meshmend_http_rejected_total{reason="timeout"}')).toBe(1);
    await node.server.stop();
  });

  it("is cut when it drips its body", async ({ expect }) => {
    const node = await startServer();
    const client = new RawClient(node.port);
    client.socket.write(
      `POST ${confirmation} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        "Content-Length: 1000\r\n\r\n",
    );
    const dripping = setInterval(() => client.socket.write(" "), 500);
    const answer = await client.untilClosed();
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1.1 408 .*E_REQUEST_TIMEOUT/s);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(await node.measured('meshmend_http_rejected_total{reason="timeout"}')).toBe(1);
    expect(node.log.filter(({ level }) => level === "error")).toEqual([]);
    await node.server.stop();
  });

  it("is cut when it connects and says nothing", async ({ expect }) => {
    const node = await startServer();
    const client = new RawClient(node.port);
    await client.untilClosed();
    expect((await fetch(node.url("/health"))).status).toBe(200);
    await node.server.stop();
  });
});
