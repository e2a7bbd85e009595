/**
 * The store as the checker of linearizability sees it: the naive one, told what clients asked and
 * what they were answered. Leases and their keys are judged elsewhere; the revisions that those took
 * are known.
 */

import type { Command, RangeRequest } from "../../../src/kvstore/index.ts";
import { NaiveStore, naiveRange, type Told } from "../../support/naive-store.ts";
import type { Model, Operation } from "./linearizability.ts";

export type StoreRequest = Command | RangeRequest;

interface ModelState {
  readonly store: NaiveStore;
}

/** What a writer before it, in a copy that shares the past. */
function branchOf(store: NaiveStore): NaiveStore {
  const branch = new NaiveStore();
  for (const [revision, keys] of store.copies) branch.copies.set(revision, keys);
  branch.revision = store.revision;
  return branch;
}

/**
 * `foreign` are the revisions that none of the history's operations made, `claimed` those that
 * answers speak of: an operation without an answer made none of either. `told` is what
 * watchers were told of a revision: whoever made it must have made just that.
 */
export function storeModel(
  foreign: ReadonlySet<number>,
  claimed: ReadonlySet<number>,
  told: (revision: number) => readonly unknown[] | null,
): Model<ModelState, StoreRequest, Told> {
  const skip = (store: NaiveStore): NaiveStore => {
    if (!foreign.has(store.revision + 1)) return store;
    const later = branchOf(store);
    while (foreign.has(later.revision + 1)) {
      const keys = later.at(later.revision);
      later.copies.set(++later.revision, keys);
    }
    return later;
  };
  return {
    initial: { store: skip(new NaiveStore()) },
    step(before, request, answer) {
      const { store } = before;
      if (request.kind === "range") {
        // Of a read without an answer nothing follows.
        if (answer === null) return null;
        const ahead = store.revision - answer.revision;
        // Foreign revisions may lie between; they change nothing that is read here.
        for (let back = 0; back < ahead; back++) {
          if (!foreign.has(store.revision - back)) return null;
        }
        if (ahead < 0) return null;
        const at = request.revision > 0 ? request.revision : store.revision;
        const keys = store.copies.get(at);
        if (keys === undefined) return null;
        return same(naiveRange(keys, request, answer.revision), answer) ? before : null;
      }
      if (answer === null && claimed.has(store.revision + 1)) return null;
      const after = branchOf(store);
      const given = after.apply(request, 0);
      const seen = after.revision > store.revision ? told(after.revision) : null;
      if (seen !== null && !same(after.events, seen)) return null;
      if (answer === null) return after.revision > store.revision ? { store: skip(after) } : null;
      if (given.revision > store.revision) {
        return same(given, answer) ? { store: skip(after) } : null;
      }
      // It changed nothing: it may have happened between two foreign revisions.
      for (let at = store.revision; at > answer.revision; at--) if (!foreign.has(at)) return null;
      return sameBut(given, answer) ? before : null;
    },
    nameOf: ({ store }) => String(store.revision),
  };
}

const words = (value: unknown) =>
  JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === "bigint") return `${each}n`;
    if (each instanceof Uint8Array) return [...each];
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(
      Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  });

export const same = (one: unknown, other: unknown): boolean => words(one) === words(other);

/** The same but for revisions of the store itself. */
function sameBut(one: Told, other: Told): boolean {
  const without = (told: Told) => words(told).replaceAll(/"revision":\d+/g, "");
  return without(one) === without(other);
}

/** Revisions that an answer says its operation made. */
export function claimedRevisions(
  history: readonly Operation<StoreRequest, Told>[],
): ReadonlySet<number> {
  const claimed = new Set<number>();
  for (const { returned } of history) {
    if (returned === null) continue;
    const { kind, revision, deleted, succeeded } = returned.answer;
    // Transactions of simulated clients write for certain when they succeed.
    const made = kind === "put" || (kind === "delete-range" && deleted !== 0) || succeeded === true;
    if (made) claimed.add(revision);
  }
  return claimed;
}
