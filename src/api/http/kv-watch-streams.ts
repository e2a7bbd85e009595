/**
 * Watches as event streams. Each is as slow as its reader: what a client has not taken is not read
 * from the store, so one that never reads costs a connection and one answer.
 */

import type { Writable } from "node:stream";
import { type Clock, type Logger, messageOf } from "../../base/index.ts";
import type { WatchAnswer } from "../store-port.ts";
import { jsonKeyValue } from "./kv-json.ts";
import type { KvPort, MetricsPort } from "./ports.ts";

export interface KvWatchOptions {
  readonly maxStreams: number;
  readonly heartbeatMs: number;
}

const defaults: KvWatchOptions = { maxStreams: 64, heartbeatMs: 15_000 };

interface Parts {
  readonly kv: Pick<KvPort, "watch">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<MetricsPort, "sseDropped">;
}

export class KvWatchStreams {
  readonly #parts: Parts;
  readonly #options: KvWatchOptions;
  readonly #streams = new Set<Writable>();
  readonly #stopping = new AbortController();

  constructor(parts: Parts, options: KvWatchOptions = defaults) {
    this.#parts = parts;
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#streams.size >= this.#options.maxStreams;
  }

  stop(): void {
    this.#stopping.abort();
    for (const stream of this.#streams) stream.end();
  }

  /** Takes over a response whose header is written. */
  add(
    stream: Writable,
    range: { readonly key: string; readonly rangeEnd: string; readonly startRevision: number },
  ): void {
    const gone = new AbortController();
    this.#streams.add(stream);
    // A stream that breaks is closed as well, and there is nobody left to tell.
    stream.on("error", () => stream.destroy());
    stream.on("close", () => {
      this.#streams.delete(stream);
      gone.abort();
    });
    const signal = AbortSignal.any([gone.signal, this.#stopping.signal]);
    stream.write("retry: 2000\n\n");
    void this.#beatHeart(stream, signal);
    void this.#follow(stream, range, signal);
  }

  async #follow(
    stream: Writable,
    range: { readonly key: string; readonly rangeEnd: string; readonly startRevision: number },
    signal: AbortSignal,
  ): Promise<void> {
    const watcher = this.#parts.kv.watch({
      ...range,
      prevKv: false,
      noPut: false,
      noDelete: false,
      progressNotify: false,
      // So that an answer ends with a whole revision: a client resumes behind those.
      fragment: false,
    });
    try {
      while (!signal.aborted) {
        for (const answer of await watcher.next(signal)) {
          const frame = frameOf(answer);
          if (!stream.write(frame)) await drained(stream, signal);
          if (answer.kind === "compacted" || answer.kind === "ended") {
            stream.end();
            return;
          }
        }
      }
    } catch (thrown) {
      this.#parts.logger.warn("a watch broke off", { error: messageOf(thrown) });
      stream.destroy();
    } finally {
      watcher.cancel();
    }
  }

  /** A client that has taken nothing since the last beat is cut. */
  async #beatHeart(stream: Writable, signal: AbortSignal): Promise<void> {
    let stuck = false;
    for (;;) {
      await this.#parts.clock.sleep(this.#options.heartbeatMs, signal);
      if (signal.aborted) return;
      if (!stream.writableNeedDrain) {
        stuck = false;
        stream.write(": still here\n\n");
      } else if (stuck) {
        this.#parts.metrics.sseDropped();
        stream.destroy();
        return;
      } else stuck = true;
    }
  }
}

function drained(stream: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    stream.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function frameOf(answer: WatchAnswer): string {
  switch (answer.kind) {
    case "events":
      return answer.events
        .map(({ type, keyValue }, i) => {
          const { modRevision } = keyValue;
          const isLast = answer.events[i + 1]?.keyValue.modRevision !== modRevision;
          const id = isLast ? `id: ${modRevision}\n` : "";
          const data = JSON.stringify({ kind: type, ...jsonKeyValue(keyValue) });
          return `${id}event: ${type}\ndata: ${data}\n\n`;
        })
        .join("");
    case "compacted": {
      const { compactRevision } = answer;
      return `event: compacted\ndata: ${JSON.stringify({ compactRevision })}\n\n`;
    }
    case "progress":
      return ": still here\n\n";
    case "ended":
      return "";
  }
}
