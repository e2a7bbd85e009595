import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HealthSource } from "../../../src/base/index.ts";
import { sampleId } from "../../compliance/sample-decision.ts";
import { sampleObservation, startServer, type TestServer } from "./support.ts";

interface OpenApi {
  readonly openapi: string;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly summary?: string;
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

const store: HealthSource = {
  component: "store",
  health: () => ({ state: "degraded", reason: "nearly full", remedy: "make room" }),
};

describe("every route", () => {
  let node: TestServer;
  let api: OpenApi;
  let ajv: Ajv2020;

  beforeAll(async () => {
    node = await startServer({ requiredComponents: ["store"] }, () => [store]);
    api = (await (await fetch(node.url("/openapi.json"))).json()) as OpenApi;
    ajv = new Ajv2020({ strict: false, allErrors: true, formats: { "date-time": true } });
    ajv.addSchema(api, "api");
  });
  afterAll(() => node.server.stop());

  /** Asks, and holds the answer against the served description of it. */
  async function ask(method: string, pattern: string, path: string, body?: unknown) {
    const answer = await fetch(node.url(path), {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    });
    const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
    const described = api.paths[pattern]?.[method.toLowerCase()]?.responses[answer.status];
    expect(described, `${method} ${pattern} ${answer.status} is described`).toBeDefined();
    const text = await answer.text();
    if (type.endsWith("json") && pattern !== "/openapi.json") {
      const at = [pattern, method.toLowerCase(), "responses", `${answer.status}`, "content", type];
      const pointer = at.map((key) => key.replaceAll("~", "~0").replaceAll("/", "~1")).join("/");
      const conforms = ajv.compile({ $ref: `api#/paths/${pointer}/schema` });
      expect(conforms(JSON.parse(text)), JSON.stringify(conforms.errors)).toBe(true);
    }
    return { status: answer.status, type, text, json: () => JSON.parse(text) };
  }

  const decision = `/api/v1/mape-k/decisions/${sampleId(3)}`;
  const id = "/api/v1/mape-k/decisions/{id}";
  const members = "/api/v1/cluster/members";
  const cases: [string, string, string, number, unknown?][] = [
    ["GET", "/", "/", 200],
    ["GET", "/openapi.json", "/openapi.json", 200],
    ["GET", "/metrics", "/metrics", 200],
    ["GET", "/health", "/health", 200],
    ["GET", "/health/live", "/health/live", 200],
    ["GET", "/health/ready", "/health/ready", 200],
    ["GET", "/api/v1/mape-k/observations", "/api/v1/mape-k/observations", 200],
    [
      "GET",
      "/api/v1/mape-k/observations/series",
      "/api/v1/mape-k/observations/series?subject=interface/mesh0",
      200,
    ],
    [
      "GET",
      "/api/v1/mape-k/observations/series",
      "/api/v1/mape-k/observations/series?subject=interface/none",
      404,
    ],
    ["GET", "/api/v1/mape-k/observations/series", "/api/v1/mape-k/observations/series", 400],
    ["GET", "/api/v1/mape-k/symptoms", "/api/v1/mape-k/symptoms", 200],
    ["GET", "/api/v1/mape-k/plan", "/api/v1/mape-k/plan", 200],
    ["GET", "/api/v1/mesh/peers", "/api/v1/mesh/peers", 200],
    ["GET", "/api/v1/mesh/topology", "/api/v1/mesh/topology", 200],
    ["GET", "/api/v1/mesh/topology", "/api/v1/mesh/topology?format=meshviewer", 200],
    ["GET", "/api/v1/mesh/topology", "/api/v1/mesh/topology?format=dot", 200],
    ["GET", "/api/v1/mesh/topology", "/api/v1/mesh/topology?format=svg", 400],
    ["GET", members, members, 200],
    ["POST", members, members, 200, { id: "n2", address: "10.0.0.2:8482" }],
    ["POST", members, members, 409, { id: "node", address: "10.0.0.2:8482" }],
    ["POST", members, members, 400, { id: "n3", address: "nowhere" }],
    ["DELETE", `${members}/{id}`, `${members}/n2`, 200, {}],
    ["DELETE", `${members}/{id}`, `${members}/nobody`, 404, {}],
    ["POST", `${members}/{id}/promotion`, `${members}/node/promotion`, 404, {}],
    ["POST", "/api/v1/cluster/leadership", "/api/v1/cluster/leadership", 409, { target: null }],
    ["GET", "/api/v1/mape-k/decisions", "/api/v1/mape-k/decisions", 200],
    ["GET", "/api/v1/mape-k/decisions", "/api/v1/mape-k/decisions?limit=0", 400],
    ["GET", id, decision, 200],
    ["GET", id, "/api/v1/mape-k/decisions/none", 404],
    ["GET", id, "/api/v1/mape-k/decisions/unreadable", 503],
    ["GET", id, "/api/v1/mape-k/decisions/surprising", 500],
    ["POST", `${id}/confirmation`, `${decision}/confirmation`, 200, { approve: true }],
    ["POST", `${id}/confirmation`, `${decision}/confirmation`, 400, { approve: "yes" }],
    [
      "POST",
      `${id}/confirmation`,
      "/api/v1/mape-k/decisions/none/confirmation",
      404,
      { approve: true },
    ],
    [
      "POST",
      `${id}/confirmation`,
      "/api/v1/mape-k/decisions/closed/confirmation",
      409,
      { approve: true },
    ],
    [
      "POST",
      `${id}/confirmation`,
      "/api/v1/mape-k/decisions/busy/confirmation",
      503,
      { approve: true },
    ],
    ["PUT", "/api/v1/kv", "/api/v1/kv", 200, { key: "a/b", value: "1", ifRevision: 0 }],
    ["PUT", "/api/v1/kv", "/api/v1/kv", 409, { key: "a/b", value: "2", ifRevision: 0 }],
    ["PUT", "/api/v1/kv", "/api/v1/kv", 200, { key: "binary", valueBase64: "/w==" }],
    ["PUT", "/api/v1/kv", "/api/v1/kv", 400, { key: "a/b" }],
    ["PUT", "/api/v1/kv", "/api/v1/kv", 404, { key: "a/b", value: "2", lease: "ff" }],
    ["GET", "/api/v1/kv", "/api/v1/kv?prefix=", 200],
    ["GET", "/api/v1/kv", "/api/v1/kv?key=a%2Fb", 200],
    ["GET", "/api/v1/kv", "/api/v1/kv?key=nowhere", 404],
    ["GET", "/api/v1/kv", "/api/v1/kv", 400],
    ["GET", "/api/v1/kv", "/api/v1/kv?key=a&revision=999", 400],
    ["DELETE", "/api/v1/kv", "/api/v1/kv", 200, { prefix: "a/" }],
    ["GET", "/api/v1/kv/watch", "/api/v1/kv/watch", 400],
    ["GET", "/api/v1/events", "/api/v1/events?after=x", 400],
  ];
  it.each(cases)("%s %s answers %s with %i as its schema says", async (...these) => {
    const [method, pattern, path, status, body] = these;
    expect((await ask(method, pattern, path, body)).status).toBe(status);
  });

  it("is in the OpenAPI document and in the index, and is tried here", async () => {
    const described = Object.entries(api.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const tried = new Set(cases.map(([method, pattern]) => `${method} ${pattern}`));
    expect(described.sort()).toEqual([...tried].sort());
    const index = (await ask("GET", "/", "/")).json() as {
      routes: { method: string; href: string }[];
    };
    const listed = index.routes.map(
      ({ method, href }) => `${method} ${href.replaceAll(/:(\w+)/g, "{$1}")}`,
    );
    expect(listed.sort()).toEqual(described);
  });

  it("is described with a summary and with the problems it may answer with", () => {
    expect(api.openapi).toBe("3.1.0");
    for (const operation of Object.values(api.paths).flatMap((path) => Object.values(path))) {
      expect(operation.summary).toMatch(/\w/);
      for (const status of ["400", "405", "408", "414", "421", "431", "500"]) {
        expect(operation.responses[status]?.content).toHaveProperty("application/problem+json");
      }
    }
  });

  it("has its unknown fields refused by the served schemas, so a leak would be seen", () => {
    const conforms = ajv.compile({ $ref: "api#/components/schemas/Observation" });
    expect(conforms(sampleObservation())).toBe(true);
    expect(conforms({ ...sampleObservation(), secret: 1 })).toBe(false);
  });

  it("pages through all decisions without loss or repetition", async () => {
    const seen: string[] = [];
    let next: string | null = "/api/v1/mape-k/decisions?limit=5";
    while (next !== null) {
      const page = (await ask("GET", "/api/v1/mape-k/decisions", next)).json() as {
        decisions: { id: string }[];
        next: string | null;
      };
      seen.push(...page.decisions.map((each) => each.id));
      next = page.next;
    }
    expect(seen).toEqual(Array.from({ length: 13 }, (_, i) => sampleId(12 - i)));
  });

  it("hands a person's answer to the loop", async () => {
    node.loop.answers.length = 0;
    await ask("POST", `${id}/confirmation`, `${decision}/confirmation`, { approve: false });
    expect(node.loop.answers).toEqual([[sampleId(3), false]]);
  });

  it("shows a missing sample as null", async () => {
    const path = "/api/v1/mape-k/observations/series";
    const series = (await ask("GET", path, `${path}?subject=interface/mesh0`)).json();
    expect(series.metrics.rxErrors).toEqual([0, null, 2]);
  });
});

describe("/health", () => {
  it("is 200 while components are degraded and 503 once one failed, and dates the change", async () => {
    let state: "ok" | "degraded" | "failed" = "degraded";
    const source: HealthSource = { component: "store", health: () => ({ state, reason: state }) };
    const node = await startServer({}, () => [source]);
    try {
      const ask = async () => {
        const answer = await fetch(node.url("/health"));
        const body = (await answer.json()) as {
          state: string;
          components: { component: string; since: string }[];
        };
        const since = body.components.find((each) => each.component === "store")?.since;
        return { status: answer.status, state: body.state, since };
      };
      const first = await ask();
      expect(first).toMatchObject({ status: 200, state: "degraded" });
      expect(await ask()).toEqual(first);
      state = "failed";
      const second = await ask();
      expect(second).toMatchObject({ status: 503, state: "failed" });
      expect(Date.parse(second.since ?? "")).toBeGreaterThan(Date.parse(first.since ?? ""));
      expect(
        await node.measured('meshmend_component_state{component="store",state="failed"}'),
      ).toBe(1);
    } finally {
      await node.server.stop();
    }
  });

  it("is not ready while a required component is missing or failed", async () => {
    const sources: HealthSource[] = [];
    const node = await startServer({ requiredComponents: ["store"] }, () => sources);
    try {
      const status = async () => (await fetch(node.url("/health/ready"))).status;
      expect(await status()).toBe(503);
      sources.push({ component: "store", health: () => ({ state: "degraded", reason: "slow" }) });
      expect(await status()).toBe(200);
      sources[0] = { component: "store", health: () => ({ state: "failed", reason: "gone" }) };
      expect(await status()).toBe(503);
    } finally {
      await node.server.stop();
    }
  });

  it("is not live once the last beat is older than five periods", async () => {
    const node = await startServer();
    try {
      const status = async () => (await fetch(node.url("/health/live"))).status;
      expect(await status()).toBe(200);
      const old = sampleObservation();
      node.loop.observation = { ...old, atMs: old.atMs - 5_001 };
      expect(await status()).toBe(503);
    } finally {
      await node.server.stop();
    }
  });

  it("answers with a component that throws counted as failed", async () => {
    const broken: HealthSource = {
      component: "broken",
      health() {
        throw new Error("oops");
      },
    };
    const node = await startServer({}, () => [broken]);
    try {
      expect((await fetch(node.url("/health"))).status).toBe(503);
    } finally {
      await node.server.stop();
    }
  });
});
