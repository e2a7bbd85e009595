/**
 * The conditions of transactions. As in etcd (apply.go, compareToPath) all of them, those of nested
 * transactions too, are judged by the state before the first write.
 */

import { rangeOf } from "./key.ts";
import { type Version, versionAt } from "./key-index.ts";
import { compareBytes, type ReadValue, type View } from "./range.ts";
import { type Compare, noLease, type TransactionRequest } from "./request.ts";

/** Which way a transaction goes, and its nested ones on that way, in their order. */
export interface Path {
  readonly succeeded: boolean;
  readonly nested: readonly Path[];
}

/** The values that value compares look at are at hand. */
export function chosenPaths(view: View, request: TransactionRequest): Path {
  const succeeded = request.compare.every((compare) => holds(view, compare));
  const nested: Path[] = [];
  for (const operation of succeeded ? request.success : request.failure) {
    if (operation.kind === "transaction") nested.push(chosenPaths(view, operation));
  }
  return { succeeded, nested };
}

function holds({ state, revision, readValue }: View, compare: Compare): boolean {
  let found = false;
  for (const record of state.index.within(rangeOf(compare.key, compare.rangeEnd))) {
    const version = versionAt(record, revision);
    if (version === null) continue;
    found = true;
    if (!accepts(compare, orderOf(compare, version, readValue))) return false;
  }
  if (found) return true;
  // A missing key has revisions, version and lease 0, but no value at all, not even an empty one.
  return compare.target !== "value" && accepts(compare, orderOf(compare, absent, readNothing));
}

const absent: Version = {
  createRevision: 0,
  modRevision: 0,
  subRevision: 0,
  version: 0,
  lease: noLease,
  valueBytes: 0,
  value: undefined,
};
const readNothing: ReadValue = () => new Uint8Array(0);

/** Negative when the key has less than the operand. */
function orderOf(compare: Compare, version: Version, readValue: ReadValue): number {
  switch (compare.target) {
    case "version":
      return version.version - compare.operand;
    case "create":
      return version.createRevision - compare.operand;
    case "mod":
      return version.modRevision - compare.operand;
    case "lease":
      return version.lease === compare.operand ? 0 : version.lease < compare.operand ? -1 : 1;
    case "value":
      return compareBytes(readValue(version), compare.operand);
  }
}

function accepts({ result }: Compare, order: number): boolean {
  switch (result) {
    case "equal":
      return order === 0;
    case "not-equal":
      return order !== 0;
    case "greater":
      return order > 0;
    case "less":
      return order < 0;
  }
}
