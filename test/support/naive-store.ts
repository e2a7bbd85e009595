/**
 * The store as one would write it with no regard for cost: after every write a full copy of the map
 * is kept under its revision. It shares nothing with the store it judges but the words.
 */

import type {
  Command,
  Compare,
  KeyValue,
  Operation,
  OperationReply,
  PutRequest,
  RangeReply,
  RangeRequest,
  Reply,
} from "../../src/kvstore/index.ts";

type Keys = ReadonlyMap<string, KeyValue>;

/** A reply without the words of its fault. */
export type Told = { kind: string; revision: number; code?: string; [name: string]: unknown };

export class NaiveStore {
  readonly copies = new Map<number, Keys>([[1, new Map()]]);
  readonly events: { revision: number; type: "put" | "delete"; keyValue: KeyValue }[] = [];
  readonly leases = new Map<bigint, number>();
  revision = 1;
  compactRevision = 0;

  at(revision: number): Keys {
    const copy = this.copies.get(revision);
    if (copy === undefined) throw new Error(`there is no revision ${revision}`);
    return copy;
  }

  /** The request is well-formed; quotas and alarms are not known here. */
  apply(command: Command, term: number): Told {
    switch (command.kind) {
      case "put":
      case "delete-range":
      case "transaction":
        return this.#write(command);
      case "compact":
        if (command.revision <= this.compactRevision) return this.#refused("E_COMPACTED");
        if (command.revision > this.revision) return this.#refused("E_FUTURE_REVISION");
        this.compactRevision = command.revision;
        return { kind: "compact", revision: this.revision };
      case "lease-grant":
        if (this.leases.has(command.id)) return this.#refused("E_LEASE_EXISTS");
        this.leases.set(command.id, command.ttlSeconds);
        return { ...command, revision: this.revision };
      case "lease-expire":
        if (command.term !== term) return this.#refused("E_LEASE_RENEWED");
        return this.#revoke(command.id);
      case "lease-revoke":
        return this.#revoke(command.id);
      case "alarm":
      case "quota":
        throw new Error("not known here");
    }
  }

  #refused(code: string): Told {
    return { kind: "refused", revision: this.revision, code };
  }

  #revoke(id: bigint): Told {
    if (!this.leases.delete(id)) return this.#refused("E_LEASE_NOT_FOUND");
    const draft = new Draft(this.revision, this.at(this.revision));
    for (const key of [...draft.keys.keys()].sort()) {
      if (draft.keys.get(key)?.lease === id) draft.delete(key);
    }
    this.#adopt(draft);
    return { kind: "lease-revoke", revision: this.revision };
  }

  #write(operation: Operation): Told {
    const before = this.at(this.revision);
    const objection = this.#objection(operation, before);
    if (objection !== null) return this.#refused(objection);
    const draft = new Draft(this.revision, before);
    const reply = this.#carryOut(operation, before, draft);
    this.#adopt(draft);
    return { ...reply };
  }

  #adopt(draft: Draft): void {
    if (draft.events.length === 0) return;
    this.revision++;
    this.copies.set(this.revision, draft.keys);
    for (const event of draft.events) this.events.push({ revision: this.revision, ...event });
  }

  #objection(operation: Operation, keys: Keys): string | null {
    if (operation.kind === "put") {
      const keep = operation.ignoreLease || operation.ignoreValue;
      if (keep && !keys.has(operation.key)) return "E_KEY_NOT_FOUND";
      const unknown = operation.lease !== 0n && !this.leases.has(operation.lease);
      return unknown ? "E_LEASE_NOT_FOUND" : null;
    }
    if (operation.kind === "range") {
      if (operation.revision > this.revision) return "E_FUTURE_REVISION";
      const gone = operation.revision > 0 && operation.revision < this.compactRevision;
      return gone ? "E_COMPACTED" : null;
    }
    if (operation.kind === "delete-range") return null;
    for (const each of branch(operation, keys)) {
      const found = this.#objection(each, keys);
      if (found !== null) return found;
    }
    return null;
  }

  #carryOut(operation: Operation, before: Keys, draft: Draft): OperationReply {
    switch (operation.kind) {
      case "range": {
        const { revision } = operation;
        const isNow = revision <= 0 || revision === draft.revision;
        const keys = isNow ? draft.keys : this.at(revision);
        return naiveRange(keys, operation, draft.revision);
      }
      case "put": {
        const previous = draft.put(operation);
        return { kind: "put", revision: draft.revision, previous };
      }
      case "delete-range": {
        const doomed = select(draft.keys, operation);
        for (const { key } of doomed) draft.delete(key);
        const previous = operation.prevKv ? doomed : [];
        const deleted = doomed.length;
        return { kind: "delete-range", revision: draft.revision, deleted, previous };
      }
      case "transaction": {
        const succeeded = operation.compare.every((each) => holds(each, before));
        const replies = branch(operation, before).map((each) =>
          this.#carryOut(each, before, draft),
        );
        return { kind: "transaction", revision: draft.revision, succeeded, replies };
      }
    }
  }
}

class Draft {
  readonly keys: Map<string, KeyValue>;
  readonly events: { type: "put" | "delete"; keyValue: KeyValue }[] = [];
  readonly #base: number;

  constructor(base: number, keys: Keys) {
    this.#base = base;
    this.keys = new Map(keys);
  }

  get revision(): number {
    return this.events.length > 0 ? this.#base + 1 : this.#base;
  }

  put({ key, value, lease, prevKv, ignoreValue, ignoreLease }: PutRequest): KeyValue | null {
    const old = this.keys.get(key);
    const modRevision = this.#base + 1;
    const keyValue: KeyValue = {
      key,
      createRevision: old?.createRevision ?? modRevision,
      modRevision,
      version: (old?.version ?? 0) + 1,
      lease: ignoreLease && old !== undefined ? old.lease : lease,
      value: ignoreValue && old !== undefined ? old.value : value.slice(),
    };
    this.keys.set(key, keyValue);
    this.events.push({ type: "put", keyValue });
    return prevKv && old !== undefined ? old : null;
  }

  delete(key: string): void {
    this.keys.delete(key);
    const modRevision = this.#base + 1;
    const nothing = { createRevision: 0, version: 0, lease: 0n, value: new Uint8Array(0) };
    this.events.push({ type: "delete", keyValue: { key, modRevision, ...nothing } });
  }
}

const branch = (operation: Extract<Operation, { kind: "transaction" }>, keys: Keys) =>
  operation.compare.every((each) => holds(each, keys)) ? operation.success : operation.failure;

function select(keys: Keys, { key, rangeEnd }: { key: string; rangeEnd: string }): KeyValue[] {
  const isIn = (each: string) =>
    rangeEnd === "" ? each === key : each >= key && (rangeEnd === "\0" || each < rangeEnd);
  const found = [...keys.values()].filter((each) => isIn(each.key));
  return found.sort((one, other) => (one.key < other.key ? -1 : 1));
}

const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

function holds(compare: Compare, keys: Keys): boolean {
  const found: (KeyValue | null)[] = select(keys, compare);
  if (found.length === 0) {
    if (compare.target === "value") return false;
    found.push(null);
  }
  return found.every((each) => {
    const [left, right] = sides(compare, each);
    const verdicts = {
      equal: left === right,
      "not-equal": left !== right,
      greater: left > right,
      less: left < right,
    };
    return verdicts[compare.result];
  });
}

function sides(compare: Compare, found: KeyValue | null): [unknown, unknown] & [number, number] {
  const left = {
    version: found?.version ?? 0,
    create: found?.createRevision ?? 0,
    mod: found?.modRevision ?? 0,
    lease: found?.lease ?? 0n,
    value: textOf(found?.value ?? new Uint8Array(0)),
  }[compare.target];
  const right = compare.target === "value" ? textOf(compare.operand) : compare.operand;
  // Both are numbers, or both strings, or both big: JavaScript orders each kind.
  return [left, right] as [unknown, unknown] & [number, number];
}

export function naiveRange(keys: Keys, request: RangeRequest, revision: number): RangeReply {
  const all = select(keys, request);
  const count = all.length;
  if (request.countOnly) return { kind: "range", revision, keyValues: [], more: false, count };
  const within = (value: number, low: number, high: number) =>
    (low === 0 || value >= low) && (high === 0 || value <= high);
  let kept = all.filter(
    ({ modRevision, createRevision }) =>
      within(modRevision, request.minModRevision, request.maxModRevision) &&
      within(createRevision, request.minCreateRevision, request.maxCreateRevision),
  );
  const of = (each: KeyValue) =>
    ({
      key: each.key,
      version: each.version,
      create: each.createRevision,
      mod: each.modRevision,
      value: textOf(each.value),
    })[request.sortTarget];
  const bounded =
    request.minModRevision + request.maxModRevision > 0 ||
    request.minCreateRevision + request.maxCreateRevision > 0;
  // etcd reads one more than the limit, unless it has to see all of them to sort or to filter.
  const cut = request.limit > 0 && request.sortOrder === "none" && !bounded;
  if (cut) kept = kept.slice(0, request.limit + 1);
  const sign = request.sortOrder === "descend" ? -1 : 1;
  kept = kept.toSorted((one, other) =>
    of(one) === of(other) ? 0 : sign * (of(one) < of(other) ? -1 : 1),
  );
  const more = request.limit > 0 && kept.length > request.limit;
  if (more) kept = kept.slice(0, request.limit);
  const keyValues = request.keysOnly
    ? kept.map((each) => ({ ...each, value: new Uint8Array(0) }))
    : kept;
  return { kind: "range", revision, keyValues, more, count };
}

/** The store's reply in the words of the naive one. */
export function told(reply: Reply): Told {
  if (reply.kind !== "refused") return { ...reply };
  return { kind: "refused", revision: reply.revision, code: reply.fault.code };
}
