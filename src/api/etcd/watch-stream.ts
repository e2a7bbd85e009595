/**
 * `etcdserverpb.Watch`: one stream that carries any number of watches. Knows the conversation
 * (created, events, fragments, progress, canceled) as etcd's server leads it; what happened, and
 * in which order, the store knows.
 */

import { type Logger, messageOf } from "../../base/index.ts";
import {
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  WatchRequest,
} from "../../wire/etcd/rpc.ts";
import { grpcFailure } from "../grpc/grpc-status.ts";
import type { StreamCall, StreamListener, StreamMethod } from "../grpc/method.ts";
import type { StorePort, WatchAnswer, Watcher } from "../store-port.ts";
import { noLeaderKnown } from "./etcd-faults.ts";
import { type HeaderWriter, writeEvent } from "./kv-encoding.ts";

export interface WatchServiceParts {
  readonly store: Pick<StorePort, "watch" | "revision">;
  readonly header: HeaderWriter;
  readonly hasLeader: () => boolean;
  readonly logger: Logger;
}

export interface WatchServiceOptions {
  /** Over all streams. */
  readonly maxWatches: number;
}

export function watchMethod(parts: WatchServiceParts, options: WatchServiceOptions): StreamMethod {
  const counter = { watches: 0 };
  return {
    kind: "stream",
    open(call) {
      const stream = new WatchStream(call, parts, options, counter);
      if (call.metadata("hasleader") === "true" && !parts.hasLeader()) call.fail(noLeaderKnown);
      return stream;
    },
  };
}

interface Watch {
  readonly watcher: Watcher;
  readonly life: AbortController;
}

/** Of the response to a request that could not be served. */
const invalidWatchId = -1;
/** Of a progress response: it is about every watch of the stream. */
const anyWatchId = -1;

class WatchStream implements StreamListener {
  readonly #call: StreamCall;
  readonly #parts: WatchServiceParts;
  readonly #options: WatchServiceOptions;
  readonly #counter: { watches: number };
  readonly #watches = new Map<number, Watch>();
  #nextId = 0;
  /** Those that wait for the client to take what was sent. */
  #awaitingDrain: (() => void)[] = [];

  constructor(
    call: StreamCall,
    parts: WatchServiceParts,
    options: WatchServiceOptions,
    counter: { watches: number },
  ) {
    this.#call = call;
    this.#parts = parts;
    this.#options = options;
    this.#counter = counter;
  }

  message(bytes: Buffer): void {
    const { requestUnion } = WatchRequest.decode(bytes);
    switch (requestUnion?.$case) {
      case "createRequest":
        this.#create(requestUnion.value);
        return;
      case "cancelRequest":
        this.#cancel(requestUnion.value.watchId);
        return;
      case "progressRequest":
        this.#progress();
        return;
      default:
        // A request of a later version of the API: etcd lets it pass as well.
        return;
    }
  }

  halfClosed(): void {
    // Who has no more to ask still wants to be told.
  }

  drained(): void {
    for (const goOn of this.#awaitingDrain.splice(0)) goOn();
  }

  closed(): void {
    for (const id of [...this.#watches.keys()]) this.#forget(id);
    this.drained();
  }

  #create(request: WatchCreateRequest): void {
    const { store } = this.#parts;
    const revision = store.revision();
    // As etcd: no key is the first there can be.
    const key = request.key.length === 0 ? "\0" : latin1(request.key);
    const rangeEnd = latin1(request.rangeEnd);
    const reason = this.#refusal(request.watchId, key, rangeEnd);
    if (reason !== null) {
      this.#respond(revision, { id: invalidWatchId, created: true, canceled: true, reason });
      return;
    }
    const id = request.watchId === 0 ? this.#freeId() : request.watchId;
    const watcher = store.watch({
      key,
      rangeEnd,
      startRevision: request.startRevision,
      prevKv: request.prevKv,
      noPut: request.filters.includes(WatchCreateRequest_FilterType.Noput),
      noDelete: request.filters.includes(WatchCreateRequest_FilterType.Nodelete),
      progressNotify: request.progressNotify,
      fragment: request.fragment,
    });
    const watch = { watcher, life: new AbortController() };
    this.#watches.set(id, watch);
    this.#counter.watches++;
    this.#respond(revision, { id, created: true });
    void this.#tell(id, watch);
  }

  #refusal(id: number, key: string, rangeEnd: string): string | null {
    if (rangeEnd !== "" && rangeEnd !== "\0" && key >= rangeEnd) {
      return "mvcc: watcher range is empty";
    }
    if (id !== 0 && this.#watches.has(id)) {
      return "mvcc: duplicate watch ID provided on the WatchStream";
    }
    if (this.#counter.watches >= this.#options.maxWatches) return "etcdserver: too many requests";
    return null;
  }

  #freeId(): number {
    while (this.#watches.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  /** At the pace the client takes it: what it has not taken is not read from the store. */
  async #tell(id: number, { watcher, life }: Watch): Promise<void> {
    try {
      while (!life.signal.aborted) {
        for (const answer of await watcher.next(life.signal)) {
          if (life.signal.aborted) return;
          if (!this.#send(id, answer)) await this.#drain();
        }
      }
    } catch (thrown) {
      this.#parts.logger.warn("a watch broke off", { error: messageOf(thrown) });
      const failure = `the watch broke off: ${messageOf(thrown)}`;
      this.#call.fail(grpcFailure("unknown", failure));
    }
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => this.#awaitingDrain.push(resolve));
  }

  #send(id: number, answer: WatchAnswer): boolean {
    switch (answer.kind) {
      case "events":
        return this.#sendEvents(id, answer);
      case "progress":
        return this.#respond(answer.revision, { id });
      case "compacted": {
        this.#forget(id);
        const { compactRevision } = answer;
        // etcd leaves the header's revision out when it cancels for compaction.
        return this.#respond(0, { id, canceled: true, compactRevision });
      }
      case "ended": {
        this.#forget(id);
        return this.#respond(answer.revision, { id, canceled: true, reason: serverStopped });
      }
    }
  }

  #sendEvents(id: number, answer: WatchAnswer & { readonly kind: "events" }): boolean {
    const writer = this.#parts.header.reply(answer.revision, 256);
    writer.number(2, id);
    writer.bool(7, answer.fragment);
    for (const event of answer.events) writer.message(11, event, writeEvent);
    return this.#call.send(writer.finish());
  }

  #cancel(id: number): void {
    if (!this.#forget(id)) return;
    this.#respond(this.#parts.store.revision(), { id, canceled: true });
  }

  #forget(id: number): boolean {
    const watch = this.#watches.get(id);
    if (watch === undefined) return false;
    this.#watches.delete(id);
    this.#counter.watches--;
    watch.life.abort();
    watch.watcher.cancel();
    return true;
  }

  /** Only the truth: while a watch is behind, its stream has no progress to tell. */
  #progress(): void {
    let revision = this.#parts.store.revision();
    for (const { watcher } of this.#watches.values()) {
      const reached = watcher.progress();
      if (reached === null) return;
      revision = Math.min(revision, reached);
    }
    this.#respond(revision, { id: anyWatchId });
  }

  #respond(
    revision: number,
    response: {
      readonly id: number;
      readonly created?: boolean;
      readonly canceled?: boolean;
      readonly compactRevision?: number;
      readonly reason?: string;
    },
  ): boolean {
    const writer = this.#parts.header.reply(revision);
    writer.number(2, response.id);
    writer.bool(3, response.created ?? false);
    writer.bool(4, response.canceled ?? false);
    writer.number(5, response.compactRevision ?? 0);
    writer.text(6, response.reason ?? "");
    return this.#call.send(writer.finish());
  }
}

const serverStopped = "etcdserver: server stopped";

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
