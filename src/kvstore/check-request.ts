/**
 * What a request must be before the state of the store matters: the checks of etcd's
 * v3rpc/key.go. The proposer makes them to answer early, `applyCommand` to be sure.
 */

import { type KvFault, kvFault } from "./fault.ts";
import { inRange, type Key, type KeyRange, rangeOf } from "./key.ts";
import { limits } from "./limits.ts";
import {
  type Command,
  noLease,
  type Operation,
  type PutRequest,
  type TransactionRequest,
} from "./request.ts";

/** Null when there is nothing to object to. */
export function checkCommand(command: Command): KvFault | null {
  switch (command.kind) {
    case "put":
    case "delete-range":
    case "transaction":
      return checkOperation(command);
    case "lease-grant": {
      if (command.id === noLease) return kvFault("E_LEASE_NOT_FOUND");
      const { ttlSeconds } = command;
      const fits = ttlSeconds >= 1 && ttlSeconds <= limits.leaseTtlSeconds;
      return fits ? null : kvFault("E_LEASE_TTL");
    }
    case "compact":
    case "lease-revoke":
    case "lease-expire":
    case "alarm":
    case "quota":
      return null;
  }
}

export function checkOperation(operation: Operation): KvFault | null {
  switch (operation.kind) {
    case "range":
    case "delete-range":
      return operation.key === "" ? kvFault("E_KEY_EMPTY") : null;
    case "put":
      return checkPut(operation);
    case "transaction":
      return (
        checkTransaction(operation, limits.operations) ??
        (writtenKeys(operation.success) === null || writtenKeys(operation.failure) === null
          ? kvFault("E_KEY_DUPLICATE")
          : null)
      );
  }
}

function checkPut({ key, value, lease, ignoreValue, ignoreLease }: PutRequest): KvFault | null {
  if (key === "") return kvFault("E_KEY_EMPTY");
  if (ignoreValue && value.length > 0) return kvFault("E_VALUE_PROVIDED");
  if (ignoreLease && lease !== noLease) return kvFault("E_LEASE_PROVIDED");
  return null;
}

/** A nested transaction has what its parent's longest list leaves. */
function checkTransaction(request: TransactionRequest, budget: number): KvFault | null {
  const { compare, success, failure } = request;
  const longest = Math.max(compare.length, success.length, failure.length);
  if (longest > budget) return kvFault("E_TOO_MANY_OPERATIONS");
  if (compare.some(({ key }) => key === "")) return kvFault("E_KEY_EMPTY");
  for (const operation of [...success, ...failure]) {
    const found =
      operation.kind === "transaction"
        ? checkTransaction(operation, budget - longest)
        : checkOperation(operation);
    if (found !== null) return found;
  }
  return null;
}

interface Written {
  readonly puts: Set<Key>;
  readonly deletions: KeyRange[];
}

/**
 * What a list of operations writes; null when it puts a key twice, or puts one that it deletes.
 * Branches of one nested transaction exclude each other, so they may write the same (etcd's
 * checkIntervals). As there, a deletion without an end collides with nothing.
 */
function writtenKeys(operations: readonly Operation[]): Written | null {
  const puts = new Set<Key>();
  const deletions: KeyRange[] = [];
  for (const operation of operations) {
    if (operation.kind === "delete-range") {
      const range = rangeOf(operation.key, operation.rangeEnd);
      if (range.end !== null) deletions.push(range);
    }
  }
  const isDeleted = (key: Key) => deletions.some((range) => inRange(range, key));
  for (const operation of operations) {
    if (operation.kind !== "transaction") continue;
    const taken = writtenKeys(operation.success);
    const other = taken === null ? null : writtenKeys(operation.failure);
    if (taken === null || other === null) return null;
    for (const key of new Set([...taken.puts, ...other.puts])) {
      if (puts.has(key) || isDeleted(key)) return null;
    }
    for (const key of [...taken.puts, ...other.puts]) puts.add(key);
    deletions.push(...taken.deletions, ...other.deletions);
  }
  for (const operation of operations) {
    if (operation.kind !== "put") continue;
    if (puts.has(operation.key) || isDeleted(operation.key)) return null;
    puts.add(operation.key);
  }
  return { puts, deletions };
}
