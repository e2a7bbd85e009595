/**
 * The least that can be agreed on: how far the log goes. It stands in until there is a store, so that
 * a group can be formed, watched and changed; commands that reach it are counted and forgotten.
 */

import { asTerm, type Entry, type LogPosition, type StateMachine } from "../../consensus/index.ts";

export class PositionMachine implements StateMachine<null> {
  #position: LogPosition = { index: 0, term: asTerm(0) };

  applied(): LogPosition {
    return this.#position;
  }

  async apply(entries: readonly Entry[]): Promise<readonly null[]> {
    const last = entries.at(-1);
    if (last !== undefined) this.#position = { index: last.index, term: last.term };
    return entries.filter(({ kind }) => kind === "command").map(() => null);
  }

  snapshot(): { readonly position: LogPosition; readonly chunks: AsyncIterable<Uint8Array> } {
    return { position: this.#position, chunks: noChunks() };
  }

  async restore(position: LogPosition): Promise<void> {
    this.#position = { index: position.index, term: position.term };
  }
}

async function* noChunks(): AsyncGenerator<Uint8Array> {}
