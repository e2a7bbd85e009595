import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RawClient, startServer, type TestServer } from "./support.ts";

let node: TestServer;
beforeEach(async () => {
  node = await startServer();
});
afterEach(() => node.server.stop());

const headers = { "content-type": "application/json" };
const ask = async (method: string, path: string, body?: unknown) => {
  const answer = await fetch(node.url(path), {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};
const put = (key: string, value: string, more: object = {}) =>
  ask("PUT", "/api/v1/kv", { key, value, ...more });

/** What a stream has told so far, as `kind key revision`. */
function watch(path: string, header = "") {
  const client = new RawClient(node.port);
  client.socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${header}\r\n`);
  return client;
}

describe("keys over HTTP", () => {
  it("are what was written, text as text and bytes as base64", async () => {
    await put("gr\u00fc\u00df", "Gott");
    await ask("PUT", "/api/v1/kv", { key: "binary", valueBase64: "/wA=" });
    const all = (await ask("GET", "/api/v1/kv?prefix=")).body;
    expect(all["keyValues"]).toMatchObject([
      { key: "binary", value: null, valueBase64: "/wA=" },
      { key: "gr\u00fc\u00df", value: "Gott", version: 1, lease: null },
    ]);
    expect(all).toMatchObject({ count: 2, more: false, revision: 3 });
  });

  it("change only from the revision that is named", async () => {
    const { body } = await put("a", "1", { ifRevision: 0 });
    expect(await put("a", "2", { ifRevision: body["revision"] })).toMatchObject({ status: 200 });
    const late = await put("a", "3", { ifRevision: body["revision"] });
    expect(late).toMatchObject({ status: 409, body: { code: "E_REVISION_MISMATCH" } });
    expect((await ask("GET", "/api/v1/kv?key=a")).body["keyValues"]).toMatchObject([
      { value: "2" },
    ]);
    const then = await ask("GET", `/api/v1/kv?key=a&revision=${String(body["revision"])}`);
    expect(then.body["keyValues"]).toMatchObject([{ value: "1" }]);
  });

  it("are gone once deleted, and a compacted past is said to be", async () => {
    await put("p/a", "1");
    await put("p/b", "1");
    const gone = await ask("DELETE", "/api/v1/kv", { prefix: "p/" });
    expect(gone.body).toEqual({ revision: 4, deleted: 2 });
    expect((await ask("GET", "/api/v1/kv?key=p%2Fa")).body).toMatchObject({
      code: "E_NO_SUCH_KEY",
    });
    await node.kv.compact(4);
    const past = await ask("GET", "/api/v1/kv?key=p%2Fa&revision=2");
    expect(past).toMatchObject({ status: 410, body: { code: "E_COMPACTED" } });
  });
});

describe("a watch over HTTP", () => {
  it("tells the past and then what happens, and can be resumed", async () => {
    await put("w/a", "1");
    await put("other", "1");
    const client = watch("/api/v1/kv/watch?prefix=w/&revision=1");
    await client.until("id: 2");
    await put("w/a", "2");
    await client.until("id: 4");
    await ask("DELETE", "/api/v1/kv", { key: "w/a" });
    const text = await client.until("id: 5");
    expect([...text.matchAll(/event: (\w+)/g)].map(([, kind]) => kind)).toEqual([
      "put",
      "put",
      "delete",
    ]);
    client.socket.destroy();
    const again = watch("/api/v1/kv/watch?prefix=w/", "last-event-id: 4\r\n");
    const rest = await again.until("id: 5");
    expect(rest).not.toContain("id: 4");
    again.socket.destroy();
  });

  it("ends, and says why, when what it asks for is compacted away", async () => {
    await put("a", "1");
    await put("a", "2");
    await node.kv.compact(3);
    const client = watch("/api/v1/kv/watch?key=a&revision=1");
    expect(await client.until("event: compacted")).toContain('{"compactRevision":3}');
    client.socket.destroy();
  });

  it("that is not read holds nobody up, and its watcher goes with its client", async () => {
    const client = watch("/api/v1/kv/watch?prefix=");
    await client.until("retry");
    client.socket.pause();
    const value = "x".repeat(50_000);
    for (let i = 0; i < 200; i++) expect((await put(`k${i}`, value)).status).toBe(200);
    expect(node.kv.machine.status().watchers).toBe(1);
    client.socket.destroy();
    await expect.poll(() => node.kv.machine.status().watchers, { timeout: 10_000 }).toBe(0);
  });

  it("is refused when too many follow already", async () => {
    const clients = Array.from({ length: 64 }, () => watch("/api/v1/kv/watch?prefix="));
    for (const client of clients) await client.until("retry");
    expect(await ask("GET", "/api/v1/kv/watch?prefix=")).toMatchObject({
      status: 503,
      body: { code: "E_STREAM_LIMIT" },
    });
    for (const client of clients) client.socket.destroy();
  });
});
