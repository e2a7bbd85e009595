/** Commands such as clients send, few keys and many collisions, drawn from a source of chance. */

import { type Random, seededRandom } from "../../src/base/index.ts";
import {
  type AppliedEntry,
  type Command,
  type Compare,
  checkCommand,
  deleteRangeRequest,
  encodeCommand,
  type Operation,
  putRequest,
  type RangeRequest,
  rangeRequest,
  type TransactionRequest,
} from "../../src/kvstore/index.ts";

/** The same log for the same seed: one command an entry, all of term 1. */
export function drawLog(seed: number, count: number): AppliedEntry[] {
  const commands = new RandomCommands(seededRandom(seed));
  return Array.from({ length: count }, (_, i) => {
    const command = encodeCommand(commands.command(2 + Math.floor(i / 2), 1));
    return { kind: "command", index: i + 1, term: 1, command };
  });
}

const keys = ["a", "ab", "b", "ba", "c", "d\xff", "\xff", "z"] as const;

export class RandomCommands {
  readonly #random: Random;
  readonly #leases = [7n, -3n, 2n ** 62n];

  constructor(random: Random) {
    this.#random = random;
  }

  below(count: number): number {
    return this.#random.uint32() % count;
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  #often(outOf: number): boolean {
    return this.below(outOf) === 0;
  }

  /** A well-formed command, `revision` being where the store is. */
  command(revision: number, term: number): Command {
    for (;;) {
      const command = this.#draw(revision, term);
      if (checkCommand(command) === null) return command;
    }
  }

  #draw(revision: number, term: number): Command {
    const roll = this.below(100);
    if (roll < 45) return this.#put();
    if (roll < 58) return this.#delete();
    if (roll < 84) return this.#transaction(revision, 2);
    const id = this.#one(this.#leases);
    if (roll < 91) return { kind: "lease-grant", id, ttlSeconds: 1 + this.below(60) };
    if (roll < 94) return { kind: "lease-revoke", id };
    if (roll < 96) return { kind: "lease-expire", id, term: term - this.below(2) };
    return { kind: "compact", revision: Math.max(1, revision - this.below(8) + 1) };
  }

  #value(): Uint8Array {
    return new Uint8Array(this.below(4)).map(() => 0x61 + this.below(3));
  }

  #put() {
    const ignoreValue = this.#often(10);
    const ignoreLease = this.#often(10);
    return putRequest({
      key: this.#one(keys),
      value: ignoreValue ? new Uint8Array(0) : this.#value(),
      lease: !ignoreLease && this.#often(4) ? this.#one(this.#leases) : 0n,
      prevKv: this.#often(3),
      ignoreValue,
      ignoreLease,
    });
  }

  #rangeEnd(): string {
    return this.#one(["", "", "", "\0", "b", "c\0", "\xff"]);
  }

  #delete() {
    const prevKv = this.#often(2);
    return deleteRangeRequest({ key: this.#one(keys), rangeEnd: this.#rangeEnd(), prevKv });
  }

  range(revision: number): RangeRequest {
    const bound = () => (this.#often(6) ? 1 + this.below(revision) : 0);
    return rangeRequest({
      key: this.#one(["\0", ...keys]),
      rangeEnd: this.#one(["", "\0", "\0", "b", "\xff"]),
      limit: this.#often(3) ? 1 + this.below(4) : 0,
      revision: this.#often(3) ? Math.max(0, revision - this.below(6) + 1) : 0,
      sortOrder: this.#one(["none", "none", "ascend", "descend"]),
      sortTarget: this.#one(["key", "version", "create", "mod", "value"]),
      keysOnly: this.#often(4),
      countOnly: this.#often(8),
      minModRevision: bound(),
      maxModRevision: bound(),
      minCreateRevision: bound(),
      maxCreateRevision: bound(),
    });
  }

  #compare(revision: number): Compare {
    const place = {
      key: this.#one(keys),
      rangeEnd: this.#often(4) ? this.#rangeEnd() : "",
      result: this.#one(["equal", "greater", "less", "not-equal"] as const),
    };
    const target = this.#one(["version", "create", "mod", "lease", "value"] as const);
    if (target === "value") return { ...place, target, operand: this.#value() };
    if (target === "lease") return { ...place, target, operand: this.#one([0n, ...this.#leases]) };
    const operand = target === "version" ? this.below(3) : this.below(revision + 2);
    return { ...place, target, operand };
  }

  #transaction(revision: number, depth: number): TransactionRequest {
    const list = <Item>(most: number, draw: () => Item) =>
      Array.from({ length: this.below(most + 1) }, draw);
    const operation = (): Operation => {
      const roll = this.below(depth > 0 ? 8 : 6);
      if (roll < 3) return this.#put();
      if (roll < 4) return this.#delete();
      if (roll < 6) return this.range(revision);
      return this.#transaction(revision, depth - 1);
    };
    return {
      kind: "transaction",
      compare: list(2, () => this.#compare(revision)),
      success: list(3, operation),
      failure: list(3, operation),
    };
  }
}
