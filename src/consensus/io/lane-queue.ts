/**
 * What waits to be sent to one peer on one lane, bounded in messages and bytes. Knows which end to
 * drop: of state that is repeated the newest counts; of a log the oldest does, since what follows a
 * gap is useless.
 */

import { entryBytes } from "../log-entry.ts";
import type { Message } from "../message.ts";

export interface LaneQueueOptions {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly drop: "oldest" | "newest";
}

const overheadBytes = 64;

/** An estimate above the encoded size, in bytes. */
export function messageBytes(message: Message): number {
  switch (message.kind) {
    case "append":
      return message.entries.reduce((sum, entry) => sum + entryBytes(entry), overheadBytes);
    case "snapshot-chunk":
      return overheadBytes + message.bytes.length + 1024;
    default:
      return overheadBytes;
  }
}

/** Whether `later` asks and tells all that an append without entries before it did. */
function saysItAll(later: Message, earlier: Message): boolean {
  return (
    later.kind === "append" &&
    earlier.kind === "append" &&
    earlier.entries.length === 0 &&
    later.term === earlier.term &&
    later.previous.index === earlier.previous.index &&
    later.commitIndex >= earlier.commitIndex
  );
}

export class LaneQueue {
  readonly #options: LaneQueueOptions;
  #waiting: { readonly message: Message; readonly bytes: number }[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(options: LaneQueueOptions) {
    this.#options = options;
  }

  offer(message: Message): void {
    const last = this.#waiting[this.#waiting.length - 1];
    if (last !== undefined && saysItAll(message, last.message)) {
      this.#waiting.pop();
      this.#bytes -= last.bytes;
    }
    const bytes = messageBytes(message);
    const { maxMessages, maxBytes, drop } = this.#options;
    const fits = () =>
      this.#waiting.length < maxMessages &&
      (this.#bytes + bytes <= maxBytes || this.#waiting.length === 0);
    if (drop === "oldest") while (!fits()) this.#dropFirst();
    if (!fits()) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ message, bytes });
    this.#bytes += bytes;
  }

  /** What fits into `maxBytes`, oldest first, and at least one message. */
  take(maxBytes: number): Message[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && bytes + waiting.bytes > maxBytes) break;
      bytes += waiting.bytes;
      count++;
    }
    this.#bytes -= bytes;
    const taken = this.#waiting.splice(0, count);
    return taken.map(({ message }) => message);
  }

  /** Drops all that waits: it would arrive too late to mean anything. */
  clear(): void {
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#bytes = 0;
  }

  get messages(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that were not sent, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  #dropFirst(): void {
    const first = this.#waiting.shift();
    if (first === undefined) return;
    this.#bytes -= first.bytes;
    this.#dropped++;
  }
}
