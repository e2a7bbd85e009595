import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Seed, SeedDiscovery } from "../../../src/mesh/io/seed-discovery.ts";
import { realClock } from "../../support/real-clock.ts";

async function serve(listener: RequestListener): Promise<Seed> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { host: "127.0.0.1", port, source: "seed" };
}

/** What came of one round of asking. */
async function ask(...seeds: readonly Seed[]) {
  const seen: string[] = [];
  const discovery = new SeedDiscovery(
    {
      clock: realClock,
      self: "roof",
      seeds: async () => seeds,
      onSeen: (source, claim, address) => seen.push(`${source} ${claim.nodeId} ${address}`),
    },
    { askEveryMs: 60_000 },
  );
  discovery.start();
  onTestFinished(() => discovery.stop());
  for (let i = 0; i < 400; i++) {
    const { asked } = discovery;
    if (asked.length > 0 && asked.every(({ outcome }) => outcome.kind !== "not-asked")) break;
    await realClock.sleep(20);
  }
  return { seen, outcomes: discovery.asked.map(({ outcome }) => outcome), discovery };
}

const answer =
  (body: string, status = 200): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(body);

const moved: RequestListener = (_request, response) =>
  void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
const cut: RequestListener = (request) => void request.socket.destroy();

describe("asking a seed who it is", () => {
  it("gives the peer that answers, and what it says of others does not count", async () => {
    const body = JSON.stringify({ self: { nodeId: "hill" }, peers: [{ nodeId: "evil" }] });
    const { seen, outcomes } = await ask(await serve(answer(body)));
    expect(outcomes).toEqual([{ kind: "answers", nodeId: "hill" }]);
    expect(seen).toEqual(["seed hill 127.0.0.1"]);
  });

  it("knows itself", async () => {
    const { seen, outcomes } = await ask(await serve(answer('{"self":{"nodeId":"roof"}}')));
    expect(outcomes).toEqual([{ kind: "self" }]);
    expect(seen).toEqual([]);
  });

  it.each([
    ["no JSON", answer("<html>"), /JSON/],
    ["no claim", answer('{"self":{"nodeId":"a b"}}'), /not answer as meshmend/],
    ["null", answer("null"), /not answer as meshmend/],
    ["another status", answer("{}", 404), /status 404/],
    ["a redirect", moved, /status 302/],
    ["more than anybody has to say", answer(" ".repeat(600_000)), /longer than/],
    ["a cut connection", cut, /hang up|reset/],
    ["silence", () => {}, /no answer within 3000 ms/],
  ])("that answers with %s says why it is none", async (_, listener, why) => {
    const { seen, outcomes } = await ask(await serve(listener));
    expect(outcomes).toEqual([{ kind: "silent", reason: expect.stringMatching(why) }]);
    expect(seen).toEqual([]);
  });

  it("is not held up by those that are silent, and stops at once", async () => {
    const silent = await Promise.all(Array.from({ length: 3 }, () => serve(() => {})));
    const good = await serve(answer('{"self":{"nodeId":"hill"}}'));
    const seen: string[] = [];
    const discovery = new SeedDiscovery(
      {
        clock: realClock,
        self: "roof",
        seeds: async () => [...silent, good],
        onSeen: (_source, claim) => seen.push(claim.nodeId),
      },
      { askEveryMs: 60_000 },
    );
    discovery.start();
    await realClock.sleep(1_000);
    expect(seen).toEqual(["hill"]);
    const atMs = performance.now();
    await discovery.stop();
    expect(performance.now() - atMs).toBeLessThan(2_000);
  });
});
