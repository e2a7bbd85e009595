import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { createHttpServer } from "../../../src/api/http/index.ts";
import { failed, fault, silentLogger } from "../../../src/base/index.ts";
import { createNodeMetrics } from "../../../src/telemetry/index.ts";
import { loneStore } from "../../support/lone-store.ts";
import { realClock } from "../../support/real-clock.ts";
import { FakeCluster, FakeLoop, samplePeers, startServer } from "./support.ts";

const nothing = failed(fault("E_MESH_NOT_SEEN", "no mesh"));
const mesh = { networkGraph: () => nothing, meshviewer: () => nothing, dot: () => nothing };

const kv = await loneStore();

function serverAt(host: string, port: number) {
  return createHttpServer(
    {
      loop: new FakeLoop(),
      mesh,
      peers: { peers: () => samplePeers },
      cluster: new FakeCluster(),
      kv,
      metrics: createNodeMetrics({ version: "0", node: "n" }),
      health: () => [],
      clock: realClock,
      logger: silentLogger,
    },
    {
      listen: { host, port },
      maxBodyBytes: 1_024,
      maxConnections: 10,
      insecure: false,
      node: "n",
      version: "0",
      requiredComponents: [],
    },
  );
}

describe("starting to listen", () => {
  it.each(["127.0.0.1", "localhost", "::1"])("on %s gives the real port", async (host) => {
    const server = serverAt(host, 0);
    const started = await server.start();
    try {
      expect(started).toMatchObject({ ok: true, value: { port: expect.any(Number) } });
      expect(server.health().state).toBe("ok");
    } finally {
      await server.stop();
    }
  });

  it.each(["0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example.org"])(
    "on %s is refused, and the fault says what to do",
    async (host) => {
      const server = serverAt(host, 0);
      const started = await server.start();
      expect(started).toMatchObject({ ok: false, fault: { code: "E_LISTEN_NOT_LOOPBACK" } });
      if (!started.ok) expect(started.fault.remedy).toContain("reverse proxy");
      await server.stop();
    },
  );

  it("on a taken port names the address and the flag", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const server = serverAt("127.0.0.1", port);
    try {
      const started = await server.start();
      expect(started).toMatchObject({ ok: false, fault: { code: "E_ADDRESS_IN_USE" } });
      if (!started.ok) {
        expect(started.fault.message).toContain(`127.0.0.1:${port}`);
        expect(started.fault.remedy).toContain("--http");
      }
    } finally {
      await server.stop();
      other.close();
    }
  });

  it("on an address this host does not have says so", async () => {
    const node = createHttpServer(
      {
        loop: new FakeLoop(),
        mesh,
        peers: { peers: () => samplePeers },
        cluster: new FakeCluster(),
        kv,
        metrics: createNodeMetrics({ version: "0", node: "n" }),
        health: () => [],
        clock: realClock,
        logger: silentLogger,
      },
      {
        listen: { host: "192.0.2.1", port: 0 },
        maxBodyBytes: 1_024,
        maxConnections: 10,
        insecure: true,
        node: "n",
        version: "0",
        requiredComponents: [],
      },
    );
    const started = await node.start();
    expect(started).toMatchObject({ ok: false, fault: { code: "E_ADDRESS_NOT_AVAILABLE" } });
    await node.stop();
  });

  it("insecurely works, warns in the log and shows in /health", async (ctx) => {
    const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const address = addresses.find(({ internal, family }) => !internal && family === "IPv4");
    if (address === undefined) return ctx.skip("needs an address that is not loopback");
    const node = await startServer({ insecure: true, listen: { host: address.address, port: 0 } });
    try {
      const answer = await fetch(node.url("/health"));
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({
        state: "degraded",
        components: [{ component: "http", reason: expect.stringContaining("http.insecure") }],
      });
      expect(node.log.some(({ level }) => level === "warn")).toBe(true);
      const confirm = (origin: string) =>
        fetch(node.url("/api/v1/mape-k/decisions/none/confirmation"), {
          method: "POST",
          headers: { "content-type": "application/json", origin },
          body: '{"approve":true}',
        });
      expect((await confirm("https://evil.example")).status).toBe(403);
      expect((await confirm(node.url("").replace(/\/$/, ""))).status).toBe(404);
    } finally {
      await node.server.stop();
    }
  });

  it("twice, after a stop, works with a new server on the same port", async () => {
    const first = await startServer();
    await first.server.stop();
    const second = await startServer({ listen: { host: "127.0.0.1", port: first.port } });
    expect((await fetch(second.url("/health/live"))).status).toBe(200);
    await second.server.stop();
    await second.server.stop();
  });
});
