/**
 * The event streams (`text/event-stream`, https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * A client is first brought up to date from the loop's ring, at the pace it reads, and then
 * handed each event as it happens. A client that does not read is cut, so that memory is bounded
 * by `maxClients * maxBufferedBytes`.
 */

import type { Writable } from "node:stream";
import type { Clock } from "../../base/index.ts";
import type { LoopPort, MetricsPort, ShownEvent } from "./ports.ts";

export interface EventHubOptions {
  readonly maxClients: number;
  readonly maxBufferedBytes: number;
  readonly heartbeatMs: number;
}

const eventHubDefaults: EventHubOptions = {
  maxClients: 64,
  maxBufferedBytes: 256 * 1024,
  heartbeatMs: 15_000,
};

/** A `live` client has had every event; the other is still reading what is in the ring. */
interface Client {
  readonly stream: Writable;
  /** The last event written to it. */
  sequence: number;
  live: boolean;
  /** What `sequence` was at the last heartbeat, while it caught up. */
  atHeartbeat: number;
}

export class EventHub {
  readonly #loop: Pick<LoopPort, "eventsAfter" | "onEvent">;
  readonly #metrics: Pick<MetricsPort, "sseClients" | "sseDropped">;
  readonly #clock: Clock;
  readonly #options: EventHubOptions;
  readonly #clients = new Set<Client>();
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => {};

  constructor(
    parts: {
      readonly loop: Pick<LoopPort, "eventsAfter" | "onEvent">;
      readonly metrics: Pick<MetricsPort, "sseClients" | "sseDropped">;
      readonly clock: Clock;
    },
    options: EventHubOptions = eventHubDefaults,
  ) {
    this.#loop = parts.loop;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
    this.#options = options;
  }

  start(): void {
    this.#unsubscribe = this.#loop.onEvent((event) => this.#publish(event));
    void this.#beatHeart();
  }

  stop(): void {
    this.#stopping.abort();
    this.#unsubscribe();
    for (const client of this.#clients) client.stream.end();
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#options.maxClients;
  }

  /** Takes over a response whose header is written. `after` null: only what happens from now on. */
  add(stream: Writable, after: number | null): void {
    const client: Client = {
      stream,
      sequence: after ?? this.#latest(),
      live: false,
      atHeartbeat: -1,
    };
    this.#clients.add(client);
    this.#metrics.sseClients(this.#clients.size);
    stream.on("drain", () => this.#catchUp(client));
    // A stream that breaks is closed as well, and there is nobody left to tell.
    stream.on("error", () => stream.destroy());
    stream.on("close", () => {
      this.#clients.delete(client);
      this.#metrics.sseClients(this.#clients.size);
    });
    stream.write("retry: 2000\n\n");
    this.#noteRestart(client);
    this.#catchUp(client);
  }

  #latest(): number {
    return this.#loop.eventsAfter(0).at(-1)?.sequence ?? 0;
  }

  /** A client that has seen more than there is saw it of the process before this one. */
  #noteRestart(client: Client): void {
    if (client.sequence <= this.#latest()) return;
    client.stream.write(gap(client.sequence, 1, "the node was restarted"));
    client.sequence = 0;
  }

  #catchUp(client: Client): void {
    if (client.live || client.stream.writableEnded) return;
    for (const event of this.#loop.eventsAfter(client.sequence)) {
      if (!this.#send(client, event, frame(event))) return;
    }
    client.live = true;
  }

  #publish(event: ShownEvent): void {
    const bytes = frame(event);
    for (const client of this.#clients) {
      if (!client.live || event.sequence <= client.sequence) continue;
      this.#send(client, event, bytes);
      this.#cutIfStuffed(client);
    }
  }

  /** False when the client should be left to read before more is written. */
  #send(client: Client, event: ShownEvent, bytes: string): boolean {
    if (event.sequence > client.sequence + 1) {
      client.stream.write(gap(client.sequence, event.sequence, "older events are gone"));
    }
    client.sequence = event.sequence;
    return client.stream.write(bytes);
  }

  #cutIfStuffed(client: Client): void {
    if (client.stream.writableLength > this.#options.maxBufferedBytes) this.#cut(client);
  }

  #cut(client: Client): void {
    this.#metrics.sseDropped();
    this.#clients.delete(client);
    client.stream.destroy();
  }

  async #beatHeart(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#clock.sleep(this.#options.heartbeatMs, signal);
      if (signal.aborted) return;
      for (const client of this.#clients) {
        if (!client.live && client.sequence === client.atHeartbeat) {
          this.#cut(client);
          continue;
        }
        client.atHeartbeat = client.sequence;
        client.stream.write(": still here\n\n");
        this.#cutIfStuffed(client);
      }
    }
  }
}

function frame(event: ShownEvent): string {
  return `id: ${event.sequence}\nevent: ${event.event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Without an id: after it, the client's last id is still that of an event it has seen. */
function gap(after: number, next: number, reason: string): string {
  return `event: gap\ndata: ${JSON.stringify({ after, next, reason })}\n\n`;
}
