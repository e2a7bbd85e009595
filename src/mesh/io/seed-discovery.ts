/**
 * Asks the addresses that somebody named, in the configuration or by DHCP, who they are: one GET of
 * `/api/v1/mesh/peers` on each, of which only what the node says of itself counts. It follows no
 * redirect, reads no more than a limit, and keeps what came of each for people to see.
 */

import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { type Clock, messageOf } from "../../base/index.ts";
import type { SeedAddress } from "../dhcp-lease.ts";
import { readClaim } from "../peer-claim.ts";
import type { PeerClaim, PeerSource } from "../peer-roster.ts";

export type SeedSource = Exclude<PeerSource, "mdns">;

export interface Seed extends SeedAddress {
  readonly source: SeedSource;
}

export type SeedOutcome =
  | { readonly kind: "not-asked" }
  | { readonly kind: "self" }
  | { readonly kind: "answers"; readonly nodeId: string }
  | { readonly kind: "silent"; readonly reason: string };

export interface AskedSeed extends Seed {
  readonly outcome: SeedOutcome;
}

export interface SeedDiscoveryParts {
  readonly clock: Clock;
  readonly self: string;
  /** The seeds there are now; asked before each round. */
  readonly seeds: (signal: AbortSignal) => Promise<readonly Seed[]>;
  readonly onSeen: (
    source: SeedSource,
    claim: PeerClaim,
    address: string,
    lifetimeMs: number,
  ) => void;
}

export interface SeedDiscoveryOptions {
  readonly askEveryMs: number;
}

const timeoutMs = 3_000;
const maxAnswerBytes = 524_288;
const atOnce = 4;
/** A peer is forgotten after so many rounds without an answer. */
const roundsPerLife = 3;

const textOf = ({ host, port }: SeedAddress) =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

export class SeedDiscovery {
  readonly #parts: SeedDiscoveryParts;
  readonly #options: SeedDiscoveryOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #asked: readonly AskedSeed[] = [];

  constructor(parts: SeedDiscoveryParts, options: SeedDiscoveryOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Each seed, and what came of asking it last. */
  get asked(): readonly AskedSeed[] {
    return this.#asked;
  }

  async #run(): Promise<void> {
    const { clock, seeds } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const now = await seeds(signal);
      const outcomes = new Map(this.#asked.map((seed) => [textOf(seed), seed.outcome]));
      const asked = now.map((seed): AskedSeed => {
        return { ...seed, outcome: outcomes.get(textOf(seed)) ?? { kind: "not-asked" } };
      });
      this.#asked = asked;
      const queue = asked.keys();
      const worker = async () => {
        for (const index of queue) {
          const seed = asked[index];
          if (seed === undefined || signal.aborted) return;
          const outcome = await this.#ask(seed);
          this.#asked = this.#asked.with(index, { ...seed, outcome });
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      await clock.sleep(this.#options.askEveryMs, signal);
    }
  }

  async #ask(seed: Seed): Promise<SeedOutcome> {
    const told = await whoIs(seed, this.#stopping.signal);
    if ("reason" in told) return { kind: "silent", reason: told.reason };
    const { claim } = told;
    if (claim.nodeId === this.#parts.self) return { kind: "self" };
    const lifetimeMs = roundsPerLife * this.#options.askEveryMs;
    // It was just reached under this port, whatever it believes of itself.
    const reached = { ...claim, httpPort: seed.port };
    this.#parts.onSeen(seed.source, reached, seed.host, lifetimeMs);
    return { kind: "answers", nodeId: claim.nodeId };
  }
}

async function whoIs(
  seed: SeedAddress,
  stopping: AbortSignal,
): Promise<{ readonly claim: PeerClaim } | { readonly reason: string }> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(timeoutMs)]);
  try {
    const response = await ask(seed, signal);
    if (response.statusCode !== 200) {
      response.destroy();
      return { reason: `it answers with status ${response.statusCode}` };
    }
    const body = await limited(response, maxAnswerBytes);
    if (body === null) return { reason: `its answer is longer than ${maxAnswerBytes} bytes` };
    const claim = claimIn(JSON.parse(body));
    return claim === null ? { reason: "it does not answer as meshmend does" } : { claim };
  } catch (thrown) {
    if (stopping.aborted) return { reason: "this node is stopping" };
    if (signal.aborted) return { reason: `no answer within ${timeoutMs} ms` };
    return { reason: messageOf(thrown) };
  }
}

/** node:http and not fetch: a URL has no room for the zone of a link-local address. */
async function ask(seed: SeedAddress, signal: AbortSignal): Promise<IncomingMessage> {
  const { host, port } = seed;
  const call = request({
    host,
    port,
    path: "/api/v1/mesh/peers",
    headers: {
      host: textOf({ host: host.split("%")[0] ?? host, port }),
      accept: "application/json",
    },
    agent: false,
    signal,
  });
  call.end();
  const [response] = (await once(call, "response", { signal })) as [IncomingMessage];
  return response;
}

async function limited(response: IncomingMessage, maxBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function claimIn(answer: unknown): PeerClaim | null {
  if (typeof answer !== "object" || answer === null || !("self" in answer)) return null;
  const { self } = answer;
  return typeof self === "object" && self !== null ? readClaim(self) : null;
}
