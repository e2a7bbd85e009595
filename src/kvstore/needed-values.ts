/** Which values a request will look at: whoever applies or answers it loads them first. */

import { rangeOf } from "./key.ts";
import { type Version, versionAt } from "./key-index.ts";
import type { View } from "./range.ts";
import type { Command, Operation } from "./request.ts";

type At = Omit<View, "readValue">;

/** Those of both branches of a transaction, in memory or not. */
export function neededValues(view: At, command: Command | Operation): Version[] {
  const needed: Version[] = [];
  collect(view, command, needed);
  return needed;
}

function collect(view: At, request: Command | Operation, into: Version[]): void {
  switch (request.kind) {
    case "put":
      if (request.prevKv || request.ignoreValue) {
        collectRange(view, request.key, "", view.revision, into);
      }
      break;
    case "delete-range":
      if (request.prevKv) collectRange(view, request.key, request.rangeEnd, view.revision, into);
      break;
    case "range": {
      if (request.countOnly || (request.keysOnly && request.sortTarget !== "value")) break;
      const revision = request.revision > 0 ? request.revision : view.revision;
      collectRange(view, request.key, request.rangeEnd, revision, into);
      break;
    }
    case "transaction":
      for (const { target, key, rangeEnd } of request.compare) {
        if (target === "value") collectRange(view, key, rangeEnd, view.revision, into);
      }
      for (const each of request.success) collect(view, each, into);
      for (const each of request.failure) collect(view, each, into);
      break;
    case "compact":
    case "lease-grant":
    case "lease-revoke":
    case "lease-expire":
    case "alarm":
    case "quota":
      break;
  }
}

function collectRange(
  { state }: At,
  key: string,
  rangeEnd: string,
  revision: number,
  into: Version[],
): void {
  for (const record of state.index.within(rangeOf(key, rangeEnd))) {
    const version = versionAt(record, revision);
    if (version !== null) into.push(version);
  }
}

export const isMissing = ({ valueBytes, value }: Version): boolean =>
  valueBytes > 0 && value === undefined;
