/**
 * What a command does to the store: a function of the state and the command alone, so that every
 * copy comes to the same state by the same log. It reads no storage: `missingValues` says beforehand
 * which values it will look at.
 */

import { unreachable } from "../base/index.ts";
import { checkCommand } from "./check-request.ts";
import { chosenPaths, type Path } from "./compare.ts";
import { type KvFault, kvFault } from "./fault.ts";
import { type Key, rangeOf } from "./key.ts";
import { heldValue, keyValueOf, type Version } from "./key-index.ts";
import { limits } from "./limits.ts";
import { finishRange, planRange, type View } from "./range.ts";
import {
  type Command,
  type DeleteRangeRequest,
  type KeyValue,
  noLease,
  type Operation,
  type OperationReply,
  type PutRequest,
  type Reply,
  type TransactionRequest,
} from "./request.ts";
import type { StoreState } from "./store-state.ts";

/** Versions that are new, in order: what has to be stored, and what watchers are told. */
export interface Change {
  readonly key: Key;
  readonly version: Version;
}

export interface Outcome {
  readonly reply: Reply;
  readonly changes: readonly Change[];
}

const noChanges: readonly Change[] = [];

/** `term` is that of the log entry that carries the command. */
export function applyCommand(state: StoreState, command: Command, term: number): Outcome {
  const objection = checkCommand(command) ?? alarmedAgainst(state, command);
  if (objection !== null) return refused(state, objection);
  switch (command.kind) {
    case "put":
    case "delete-range":
    case "transaction":
      return applyOperation(state, command);
    case "compact":
      return compact(state, command.revision);
    case "lease-grant":
      return grantLease(state, command);
    case "lease-expire":
      if (command.term !== term) return refused(state, kvFault("E_LEASE_RENEWED"));
      return revokeLease(state, command.id);
    case "lease-revoke":
      return revokeLease(state, command.id);
    case "alarm":
      state.setAlarm(command.alarm, command.active);
      return done(state, { kind: "alarm", alarms: state.listAlarms() });
    case "quota":
      state.quotaBytes = command.bytes;
      return done(state, { kind: "quota" });
    default:
      return unreachable(command);
  }
}

type WithoutRevision<Each> = Each extends unknown ? Omit<Each, "revision"> : never;

function done(state: StoreState, reply: WithoutRevision<Reply>): Outcome {
  return { reply: { ...reply, revision: state.revision }, changes: noChanges };
}

const refused = (state: StoreState, fault: KvFault): Outcome =>
  done(state, { kind: "refused", fault });

/** Alarms, and the quota: what would exceed it raises the alarm, on every copy alike. */
function alarmedAgainst(state: StoreState, command: Command): KvFault | null {
  if (command.kind === "alarm" || command.kind === "quota") return null;
  if (state.hasAlarm("corrupt")) return kvFault("E_STORE_CORRUPT");
  const costBytes = command.kind === "lease-grant" ? limits.versionBytes : costOf(command);
  if (costBytes === 0) return null;
  if (state.hasAlarm("no-space")) return kvFault("E_NO_SPACE");
  const { quotaBytes } = state;
  if (quotaBytes === 0 || state.index.storedBytes + costBytes <= quotaBytes) return null;
  state.setAlarm({ type: "no-space", memberId: 0n }, true);
  return kvFault("E_NO_SPACE");
}

/** The most that the puts of one path may add (etcd: server/storage/quota.go). */
function costOf(operation: Command | Operation): number {
  if (operation.kind === "put") {
    return limits.versionBytes + operation.key.length + operation.value.length;
  }
  if (operation.kind !== "transaction") return 0;
  const sum = (list: readonly Operation[]) => list.reduce((all, each) => all + costOf(each), 0);
  return Math.max(sum(operation.success), sum(operation.failure));
}

function compact(state: StoreState, revision: number): Outcome {
  if (revision <= state.compactRevision) return refused(state, kvFault("E_COMPACTED"));
  if (revision > state.revision) return refused(state, kvFault("E_FUTURE_REVISION"));
  state.compact(revision);
  return done(state, { kind: "compact" });
}

function grantLease(
  state: StoreState,
  { id, ttlSeconds }: Extract<Command, { kind: "lease-grant" }>,
): Outcome {
  if (state.leases.has(id)) return refused(state, kvFault("E_LEASE_EXISTS"));
  state.leases.set(id, { id, ttlSeconds, keys: new Set() });
  return done(state, { kind: "lease-grant", id, ttlSeconds });
}

/** Its keys go in one revision, in their order. */
function revokeLease(state: StoreState, id: bigint): Outcome {
  const lease = state.leases.get(id);
  if (lease === undefined) return refused(state, kvFault("E_LEASE_NOT_FOUND"));
  const writer = new Writer(state);
  for (const key of [...lease.keys].sort(byCode)) {
    writer.deleteRange({ kind: "delete-range", key, rangeEnd: "", prevKv: false });
  }
  state.leases.delete(id);
  const changes = writer.finish();
  return { ...done(state, { kind: "lease-revoke" }), changes };
}

const byCode = (one: Key, other: Key) => (one < other ? -1 : 1);

type Write = PutRequest | DeleteRangeRequest | TransactionRequest;

function applyOperation(state: StoreState, request: Write): Outcome {
  const view = { state, revision: state.revision, readValue: heldValue };
  const paths = request.kind === "transaction" ? chosenPaths(view, request) : null;
  const objection = checkAgainstState(view, request, paths);
  if (objection !== null) return refused(state, objection);
  const writer = new Writer(state);
  const reply = writer.carryOut(request, paths) as Exclude<OperationReply, { kind: "range" }>;
  return { changes: writer.finish(), reply };
}

/** Whatever the chosen path may trip over is found before any of it is done. */
export function checkAgainstState(
  view: Omit<View, "readValue">,
  operation: Operation,
  path: Path | null,
): KvFault | null {
  const { state, revision } = view;
  switch (operation.kind) {
    case "put": {
      const { key, lease } = operation;
      if (operation.ignoreValue || operation.ignoreLease) {
        const version = state.index.get(key)?.latest.version ?? 0;
        if (version === 0) return kvFault("E_KEY_NOT_FOUND");
      }
      const unknown = lease !== noLease && !state.leases.has(lease);
      return unknown ? kvFault("E_LEASE_NOT_FOUND") : null;
    }
    case "range":
      if (operation.revision > revision) return kvFault("E_FUTURE_REVISION");
      if (operation.revision > 0 && operation.revision < state.compactRevision) {
        return kvFault("E_COMPACTED");
      }
      return null;
    case "delete-range":
      return null;
    case "transaction": {
      let nested = 0;
      for (const each of branchOf(operation, path)) {
        const inner = each.kind === "transaction" ? (path?.nested[nested++] ?? null) : null;
        const found = checkAgainstState(view, each, inner);
        if (found !== null) return found;
      }
      return null;
    }
  }
}

export const branchOf = ({ success, failure }: TransactionRequest, path: Path | null) =>
  path?.succeeded === true ? success : failure;

/** The writes of one command: they share a revision, and are told apart by their order in it. */
class Writer {
  readonly #state: StoreState;
  readonly #changes: Change[] = [];

  constructor(state: StoreState) {
    this.#state = state;
  }

  /** What a reader between two of the writes sees. */
  get revision(): number {
    return this.#state.revision + (this.#changes.length > 0 ? 1 : 0);
  }

  /** The store moves on only when something was written. */
  finish(): readonly Change[] {
    this.#state.revision = this.revision;
    return this.#changes;
  }

  carryOut(operation: Operation, path: Path | null): OperationReply {
    switch (operation.kind) {
      case "range": {
        const plan = planRange({ state: this.#state, revision: this.revision }, operation);
        if (!plan.ok) throw new Error(`broken invariant: a checked range: ${plan.fault.message}`);
        return finishRange(plan.value, heldValue);
      }
      case "put":
        return this.#put(operation);
      case "delete-range":
        return this.deleteRange(operation);
      case "transaction": {
        const replies: OperationReply[] = [];
        let nested = 0;
        for (const each of branchOf(operation, path)) {
          const inner = each.kind === "transaction" ? (path?.nested[nested++] ?? null) : null;
          replies.push(this.carryOut(each, inner));
        }
        const succeeded = path?.succeeded === true;
        return { kind: "transaction", revision: this.revision, succeeded, replies };
      }
    }
  }

  #put(request: PutRequest): OperationReply {
    const { key } = request;
    const latest = this.#state.index.get(key)?.latest;
    const before = latest === undefined || latest.version === 0 ? null : latest;
    const previous = request.prevKv && before !== null ? liveKeyValue(key, before) : null;
    const keep = request.ignoreValue && before !== null;
    const value = keep ? heldValue(before) : request.value;
    this.#write(key, {
      createRevision: before?.createRevision ?? this.#nextRevision,
      version: (before?.version ?? 0) + 1,
      lease: request.ignoreLease && before !== null ? before.lease : request.lease,
      valueBytes: value.length,
      value,
    });
    return { kind: "put", revision: this.revision, previous };
  }

  deleteRange({ key, rangeEnd, prevKv }: DeleteRangeRequest): OperationReply {
    const doomed: { key: Key; version: Version }[] = [];
    for (const record of this.#state.index.within(rangeOf(key, rangeEnd))) {
      if (record.latest.version > 0) doomed.push({ key: record.key, version: record.latest });
    }
    const previous = prevKv ? doomed.map((each) => liveKeyValue(each.key, each.version)) : [];
    for (const each of doomed) {
      const nothing = { createRevision: 0, version: 0, lease: noLease, valueBytes: 0 };
      this.#write(each.key, { ...nothing, value: undefined });
    }
    return { kind: "delete-range", revision: this.revision, deleted: doomed.length, previous };
  }

  get #nextRevision(): number {
    return this.#state.revision + 1;
  }

  #write(key: Key, fields: Omit<Version, "modRevision" | "subRevision">): void {
    const modRevision = this.#nextRevision;
    const version = { modRevision, subRevision: this.#changes.length, ...fields };
    this.#changes.push({ key, version });
    this.#state.add(key, version);
  }
}

const liveKeyValue = (key: Key, version: Version): KeyValue =>
  keyValueOf(key, version, heldValue(version));
