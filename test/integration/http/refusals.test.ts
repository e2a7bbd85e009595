import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleId } from "../../compliance/sample-decision.ts";
import { exchange, startServer, type TestServer } from "./support.ts";

const confirmation = `/api/v1/mape-k/decisions/${sampleId(3)}/confirmation`;

describe("a refusal", () => {
  let node: TestServer;
  beforeAll(async () => {
    node = await startServer();
  });
  afterAll(() => node.server.stop());

  /** The problem document of a raw exchange. */
  async function problemOf(request: string | Uint8Array) {
    const answer = await exchange(node.port, request);
    const [header = "", body = ""] = answer.split("\r\n\r\n");
    expect(header.toLowerCase()).toContain("content-type: application/problem+json");
    return { header, ...(JSON.parse(body) as { status: number; code: string; instance: string }) };
  }

  const head = (line: string, ...fields: string[]) =>
    [`${line} HTTP/1.1`, "Host: localhost", "Connection: close", ...fields, "", ""].join("\r\n");
  const post = (body: string, ...fields: string[]) =>
    head(
      `POST ${confirmation}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Content-Type: application/json",
      ...fields,
    ) + body;

  const cases: [string, string, number, string][] = [
    ["an unknown path", head("GET /nope"), 404, "E_NOT_FOUND"],
    ["a wrong method", head("DELETE /health"), 405, "E_METHOD_NOT_ALLOWED"],
    ["a preflight", head(`OPTIONS ${confirmation}`), 405, "E_METHOD_NOT_ALLOWED"],
    ["a method fastify does not know", head("PROPFIND /health"), 405, "E_METHOD_NOT_ALLOWED"],
    ["JSON that is none", post("{approve"), 400, "E_MALFORMED_JSON"],
    ["an empty body", post(""), 400, "E_MALFORMED_JSON"],
    ["a body that aims at the prototype", post('{"__proto__":{}}'), 400, "E_MALFORMED_JSON"],
    ["a body of the wrong shape", post('{"approve":1,"x":2}'), 400, "E_INVALID_REQUEST"],
    ["a body that is too large", post(`"${"x".repeat(70_000)}"`), 413, "E_BODY_TOO_LARGE"],
    ["an address that is too long", head(`GET /${"x".repeat(9_000)}`), 414, "E_URI_TOO_LONG"],
    [
      "a parameter that is too long",
      head(`GET /api/v1/mape-k/decisions/${"x".repeat(120)}`),
      414,
      "E_URI_TOO_LONG",
    ],
    ["an address that is none", head("GET /%zz"), 400, "E_MALFORMED_REQUEST"],
    [
      "a header that is too large",
      head("GET /health", `X: ${"x".repeat(17_000)}`),
      431,
      "E_HEADER_TOO_LARGE",
    ],
    [
      "a foreign host",
      "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
      421,
      "E_HOST_NOT_ALLOWED",
    ],
    ["no host", "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "E_HOST_MISSING"],
    ["two hosts", head("GET /health", "Host: localhost"), 400, "E_HOST_MISSING"],
    [
      "a foreign origin",
      post('{"approve":true}', "Origin: https://evil.example"),
      403,
      "E_ORIGIN_NOT_ALLOWED",
    ],
    ["a sandboxed origin", post('{"approve":true}', "Origin: null"), 403, "E_ORIGIN_NOT_ALLOWED"],
    [
      "a form post",
      `${head(`POST ${confirmation}`, "Content-Type: text/plain", "Content-Length: 2")}{}`,
      415,
      "E_MEDIA_TYPE",
    ],
    ["an odd expectation", head("GET /health", "Expect: miracles"), 417, "E_EXPECTATION"],
    [
      "something that is not HTTP",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      400,
      "E_MALFORMED_REQUEST",
    ],
  ];
  it.each(cases)("of %s is a problem document", async (_what, request, status, code) => {
    const problem = await problemOf(Buffer.from(request, "latin1"));
    expect(problem).toMatchObject({ status, code, type: `urn:meshmend:error:${code}` });
    expect(problem.header).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(problem.instance).not.toContain("?");
  });

  it("of a wrong method names the right ones", async () => {
    const { header } = await problemOf(head("DELETE /health"));
    expect(header.toLowerCase()).toContain("allow: get, head");
  });

  it("of an invalid request names each field and what was expected of it", async () => {
    const answer = await fetch(node.url("/api/v1/mape-k/decisions?limit=many&colour=red"));
    const { errors } = (await answer.json()) as { errors: object[] };
    expect(errors).toEqual([
      { path: "query", expected: "no field of the name colour" },
      { path: "query.limit", expected: "must be integer" },
    ]);
  });

  it("on a fault nobody foresaw says nothing of the inside, and the log all", async () => {
    const answer = await fetch(node.url("/api/v1/mape-k/decisions/surprising?token=abc"));
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(text).not.toContain("secret");
    expect(text).not.toContain("stack");
    const line = node.log.find(({ fields }) => fields["code"] === "E_INTERNAL");
    expect(line?.level).toBe("error");
    expect(String(line?.fields["error"])).toContain("a secret of the inside");
    expect(JSON.stringify(line?.fields)).not.toContain("token=abc");
  });

  it("leaves the connection usable for the next request", async () => {
    const requests = `GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n${head("GET /health/live")}`;
    const answer = await exchange(node.port, requests);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 200"]);
  });

  it("is counted by its reason", async () => {
    const reason = 'meshmend_http_rejected_total{reason="host_not_allowed"}';
    const before = await node.measured(reason);
    await problemOf("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    expect(await node.measured(reason)).toBe(before + 1);
  });
});

describe("what is not refused", () => {
  it.each(["localhost", "LOCALHOST:9000", "127.0.0.1", "127.8.9.10:1", "[::1]", "[::1]:8480"])(
    "is a request for the host %s",
    async (host) => {
      const node = await startServer();
      try {
        const request = `GET /health/live HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        expect(await exchange(node.port, request)).toMatch(/^HTTP\/1.1 200 /);
      } finally {
        await node.server.stop();
      }
    },
  );

  it("is a confirmation from a page on this host", async () => {
    const node = await startServer();
    try {
      const answer = await fetch(node.url(confirmation), {
        method: "POST",
        headers: { "content-type": "application/json", origin: "http://localhost:3000" },
        body: '{"approve":true}',
      });
      expect(answer.status).toBe(200);
    } finally {
      await node.server.stop();
    }
  });
});
