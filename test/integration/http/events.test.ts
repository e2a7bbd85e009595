import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { eventually, RawClient, startServer, type TestServer } from "./support.ts";

describe("the event stream", () => {
  let node: TestServer;
  const clients: RawClient[] = [];
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await node.server.stop();
  });

  async function follow(query = "", ...headers: string[]): Promise<RawClient> {
    const client = new RawClient(node.port);
    clients.push(client);
    // HTTP/1.0: the stream comes as it is, without chunks.
    const lines = [`GET /api/v1/events${query} HTTP/1.0`, "Host: localhost", ...headers, "", ""];
    client.socket.write(lines.join("\r\n"));
    await client.until("retry: ");
    return client;
  }
  const ids = ({ received }: RawClient) =>
    [...received.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  const upTo = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it("hands each event out as it happens, with its id, its kind and its data", async () => {
    node = await startServer();
    const client = await follow();
    const event = node.loop.publish();
    await client.until('"timeline"');
    expect(client.received).toContain("text/event-stream");
    expect(client.received).toContain("id: 1\nevent: decision-made\ndata: {");
    const data = /^data: (.*)$/m.exec(client.received)?.[1];
    expect(JSON.parse(data ?? "")).toEqual(event);
  });

  it("starts with what happens from now on, unless it is asked to resume", async () => {
    node = await startServer();
    for (let i = 0; i < 3; i++) node.loop.publish();
    const fresh = await follow();
    const all = await follow("?after=0");
    const some = await follow("", "Last-Event-ID: 2");
    const both = await follow("?after=0", "Last-Event-ID: 2");
    node.loop.publish();
    for (const client of [fresh, all, some, both]) await client.until(/^id: 4$/m);
    expect(ids(fresh)).toEqual([4]);
    expect(ids(all)).toEqual([1, 2, 3, 4]);
    expect(ids(some)).toEqual([3, 4]);
    expect(ids(both)).toEqual([3, 4]);
    expect(all.received).not.toContain("event: gap");
  });

  it("says so when the ring no longer reaches back", async () => {
    node = await startServer();
    node.loop.ringCapacity = 5;
    for (let i = 0; i < 20; i++) node.loop.publish();
    const client = await follow("", "Last-Event-ID: 3");
    await client.until(/^id: 20$/m);
    expect(client.received).toContain(
      'event: gap\ndata: {"after":3,"next":16,"reason":"older events are gone"}\n\nid: 16\n',
    );
    expect(ids(client)).toEqual(upTo(16, 20));
  });

  it("says so when the node was restarted since, and starts over", async () => {
    node = await startServer();
    for (let i = 0; i < 3; i++) node.loop.publish();
    const client = await follow("", "Last-Event-ID: 900");
    await client.until(/^id: 3$/m);
    expect(client.received).toContain('"reason":"the node was restarted"');
    expect(ids(client)).toEqual([1, 2, 3]);
  });

  it("replays more than a buffer holds to a client that reads, and loses nothing", async () => {
    node = await startServer();
    for (let i = 0; i < 400; i++) node.loop.publish(10_000);
    const client = await follow("?after=0");
    for (let i = 0; i < 50; i++) {
      node.loop.publish(100);
      await delay(1);
    }
    await client.until(/^id: 450$/m);
    expect(ids(client)).toEqual(upTo(1, 450));
    expect(await node.measured("meshmend_sse_dropped_total")).toBe(0);
  });

  it("cuts a client that does not read, counts it, and serves the others", async () => {
    node = await startServer();
    const slow = await follow();
    const quick = await follow();
    slow.socket.pause();
    expect(await node.measured("meshmend_sse_clients")).toBe(2);
    // The kernel's buffers take a few megabytes before the server notices.
    let published = 0;
    for (; published < 4_000 && (await node.measured("meshmend_sse_dropped_total")) === 0; ) {
      for (let i = 0; i < 10; i++, published++) node.loop.publish(10_000);
      await eventually(() => ids(quick).length === published);
      quick.received = quick.received.replaceAll(/x{100,}/g, "");
    }
    expect(await node.measured("meshmend_sse_dropped_total")).toBe(1);
    expect(ids(quick)).toEqual(upTo(1, published));
    expect(await node.measured("meshmend_sse_clients")).toBe(1);
    slow.socket.resume();
    await slow.untilClosed();
  }, 60_000);

  it("has room for 64 clients; the next one is told to come back", async () => {
    node = await startServer();
    for (let i = 0; i < 64; i++) await follow();
    const refused = await fetch(node.url("/api/v1/events"));
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("30");
    expect(await refused.json()).toMatchObject({ code: "E_STREAM_LIMIT" });
    clients[0]?.socket.destroy();
    await delay(100);
    await follow();
  });

  it("ends at the stop, and the stop takes little more than a second at worst", async () => {
    node = await startServer();
    const client = await follow();
    const stubborn = new RawClient(node.port);
    clients.push(stubborn);
    stubborn.socket.write("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
    await delay(100);
    const startMs = performance.now();
    await node.server.stop();
    expect(performance.now() - startMs).toBeLessThan(5_000);
    await client.untilClosed();
    await stubborn.untilClosed();
    await expect(fetch(node.url("/health"))).rejects.toThrow();
  });
});
