/**
 * A small real state machine: an ordered map of text, kept in memory, restored from a snapshot and
 * the log behind it. A command is `key=value`; its reply is the map's size and the entry's index.
 */

import {
  asTerm,
  type Entry,
  type LogPosition,
  type StateMachine,
} from "../../../src/consensus/index.ts";

export interface LedgerReply {
  readonly index: number;
  readonly size: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const put = (key: string, value: string): Uint8Array => encoder.encode(`${key}=${value}`);

export class LedgerMachine implements StateMachine<LedgerReply> {
  #position: LogPosition = { index: 0, term: asTerm(0) };
  #values = new Map<string, string>();
  /** Every command since the start of this process, in the order of its application. */
  readonly history: { readonly index: number; readonly command: string }[] = [];
  restored = 0;
  readonly #keepHistory: boolean;

  constructor(options: { readonly keepHistory: boolean } = { keepHistory: true }) {
    this.#keepHistory = options.keepHistory;
  }

  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  applied(): LogPosition {
    return this.#position;
  }

  async apply(entries: readonly Entry[]): Promise<readonly LedgerReply[]> {
    const replies: LedgerReply[] = [];
    for (const entry of entries) {
      if (entry.index !== this.#position.index + 1) {
        throw new Error(`entry ${entry.index} after ${this.#position.index}`);
      }
      this.#position = { index: entry.index, term: entry.term };
      if (entry.kind !== "command") continue;
      const command = decoder.decode(entry.command);
      const at = command.indexOf("=");
      this.#values.set(command.slice(0, at), command.slice(at + 1));
      if (this.#keepHistory) this.history.push({ index: entry.index, command });
      replies.push({ index: entry.index, size: this.#values.size });
    }
    return replies;
  }

  snapshot(signal: AbortSignal) {
    const position = this.#position;
    const picture = [...this.#values];
    async function* chunks() {
      for (let i = 0; i < picture.length; i += 1_000) {
        signal.throwIfAborted();
        yield encoder.encode(`${JSON.stringify(picture.slice(i, i + 1_000))}\n`);
      }
    }
    return { position, chunks: chunks() };
  }

  async restore(position: LogPosition, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = "";
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
    const values = new Map<string, string>();
    for (const line of text.split("\n")) {
      if (line === "") continue;
      for (const [key, value] of JSON.parse(line) as [string, string][]) values.set(key, value);
    }
    this.#position = { index: position.index, term: position.term };
    this.#values = values;
    this.restored++;
  }
}
