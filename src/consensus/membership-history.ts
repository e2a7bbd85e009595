/**
 * Which membership is in force where in the log. A membership counts from the moment its entry is
 * appended, committed or not (Raft dissertation, section 4.1), so a truncation brings back the
 * one before.
 */

import { assert } from "../base/index.ts";
import type { Entry, LogIndex } from "./log-entry.ts";
import { emptyMembership, type Membership } from "./membership.ts";

export interface PlacedMembership {
  readonly index: LogIndex;
  readonly membership: Membership;
}

export class MembershipHistory {
  /** Ascending by index, never empty; the first is the oldest that may still be asked for. */
  #placed: PlacedMembership[] = [{ index: 0, membership: emptyMembership }];

  get latest(): PlacedMembership {
    return this.#placed[this.#placed.length - 1] as PlacedMembership;
  }

  /** The one in force at `index`. */
  at(index: LogIndex): PlacedMembership {
    for (let i = this.#placed.length - 1; i >= 0; i--) {
      const placed = this.#placed[i] as PlacedMembership;
      if (placed.index <= index) return placed;
    }
    return this.#placed[0] as PlacedMembership;
  }

  /** The one in force at `index` and all that came after. */
  since(index: LogIndex): readonly PlacedMembership[] {
    return this.#placed.slice(this.#placed.indexOf(this.at(index)));
  }

  /** True when the entry changed the membership. */
  note(entry: Entry): boolean {
    if (entry.kind !== "membership") return false;
    assert(entry.index > this.latest.index, "memberships in log order");
    this.#placed.push({ index: entry.index, membership: entry.membership });
    return true;
  }

  /** True when this brought an older membership back. */
  truncateFrom(index: LogIndex): boolean {
    const before = this.#placed.length;
    while (this.#placed.length > 1 && this.latest.index >= index) this.#placed.pop();
    return this.#placed.length < before;
  }

  /** Nobody asks for anything before `index` any more. */
  compactTo(index: LogIndex): void {
    while (this.#placed.length > 1 && (this.#placed[1] as PlacedMembership).index <= index) {
      this.#placed.shift();
    }
  }

  resetTo(placed: PlacedMembership): void {
    this.#placed = [placed];
  }
}
