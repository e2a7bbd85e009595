/**
 * What an all-seeing observer knows of the whole group, and the properties of Raft it holds every
 * node to (Raft dissertation, figure 3.2 and section 6.4): each is checked when it could break.
 */

import type { NodeId } from "../../src/base/index.ts";
import type {
  Entry,
  LogIndex,
  Membership,
  RaftState,
  SnapshotMeta,
  Term,
} from "../../src/consensus/index.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import { mustHold } from "./violation.ts";

/** What a node believed before the step that is being checked. */
export interface BeforeStep {
  readonly commitIndex: LogIndex;
  readonly membership: Membership;
}

/**
 * What the state machine holds: how many commands it has seen, and a digest of all of them in
 * order.
 */
export interface MachineState {
  readonly appliedIndex: LogIndex;
  readonly revision: number;
  readonly digest: number;
}

export const emptyMachine: MachineState = { appliedIndex: 0, revision: 0, digest: 0x811c9dc5 };

export function commandNumber(entry: Entry): number {
  if (entry.kind !== "command") return 0;
  return new DataView(entry.command.buffer, entry.command.byteOffset).getUint32(0);
}

export class History {
  readonly #leaders = new Map<Term, NodeId>();
  /** Every entry ever seen at an index, each once, beside the term of the one before it. */
  readonly #seen: { entry: Entry; previousTerm: Term }[][] = [];
  /** The agreed log, and the machine after each of its entries. */
  readonly #chosen: Entry[] = [];
  /** The term in which each was first known to be agreed on. */
  readonly #chosenInTerm: Term[] = [];
  readonly #machines: MachineState[] = [emptyMachine];
  readonly #commandIndexes = new Map<number, LogIndex>();
  /** The largest revision that any finished operation has shown to a client. */
  #shownRevision = 0;

  get chosenIndex(): LogIndex {
    return this.#chosen.length;
  }

  get shownRevision(): number {
    return this.#shownRevision;
  }

  machineAt(index: LogIndex): MachineState {
    const machine = this.#machines[index];
    mustHold(
      machine !== undefined,
      "state machine safety",
      () => `nothing was agreed on at ${index}`,
    );
    return machine;
  }

  /** Election safety, and leader completeness at the moment it could break. */
  noteLeader({ id, term, log }: RaftState): void {
    const known = this.#leaders.get(term);
    if (known === undefined) this.#leaders.set(term, id);
    else mustHold(known === id, "election safety", () => `${known} and ${id} lead term ${term}`);
    if (known !== undefined) return;
    // By log matching, holding the last entry agreed on in an earlier term means holding all. A
    // leader of an older term may still come to light, too late to lead anybody.
    let at = this.#chosen.length - 1;
    while (at >= 0 && (this.#chosenInTerm[at] ?? 0) >= term) at--;
    const last = this.#chosen[at];
    if (last === undefined) return;
    mustHold(
      log.entryAt(last.index) === last || log.base.index >= last.index,
      "leader completeness",
      () => `${id} leads term ${term} without ${last.index} of term ${last.term}`,
    );
  }

  /** Log matching: the same index and term is the same entry with the same past. */
  noteEntries(id: NodeId, { log }: RaftState, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const previousTerm = log.termAt(entry.index - 1);
      if (previousTerm === null) continue;
      this.#seen[entry.index] ??= [];
      const all = this.#seen[entry.index] ?? [];
      const same = all.find(({ entry: other }) => other.term === entry.term);
      if (same === undefined) all.push({ entry, previousTerm });
      else {
        mustHold(
          same.entry === entry && same.previousTerm === previousTerm,
          "log matching",
          () => `${id} has another entry ${entry.index} of term ${entry.term}`,
        );
      }
    }
  }

  /** State machine safety: nobody commits anything else where something was committed. */
  noteCommits({ id, term, log }: RaftState, from: LogIndex, to: LogIndex): void {
    for (let index = from + 1; index <= to; index++) {
      const entry = log.entryAt(index);
      const known = this.#chosen[index - 1];
      if (entry === null) {
        // Only a snapshot lets a log begin behind an entry it never held.
        mustHold(
          known !== undefined && index <= log.base.index,
          "state machine safety",
          () => `${id} committed ${index} unseen`,
        );
        continue;
      }
      if (known === undefined) this.#choose(id, term, entry);
      else {
        mustHold(
          known === entry,
          "state machine safety",
          () => `${id} committed ${index} of term ${entry.term}, others of term ${known.term}`,
        );
      }
    }
  }

  #choose(id: NodeId, term: Term, entry: Entry): void {
    mustHold(
      entry.index === this.#chosen.length + 1,
      "state machine safety",
      () => `${id} committed ${entry.index} before ${this.#chosen.length + 1}`,
    );
    this.#chosen.push(entry);
    this.#chosenInTerm.push(term);
    const before = this.machineAt(entry.index - 1);
    this.#machines.push(machineAfter(before, entry));
    if (entry.kind !== "command") return;
    const number = commandNumber(entry);
    const earlier = this.#commandIndexes.get(number);
    mustHold(
      earlier === undefined,
      "no command twice",
      () => `command ${number} is at ${earlier} and ${entry.index}`,
    );
    this.#commandIndexes.set(number, entry.index);
  }

  /**
   * Committed means durable: when a leader commits, a quorum of disks holds the entry. The quorum
   * is that of the membership it counted by: the latest, unless the commit itself brought forth
   * another.
   */
  checkDurable(
    { id, role, commitIndex, log, memberships }: RaftState,
    { commitIndex: from, membership }: BeforeStep,
    disks: ReadonlyMap<NodeId, SimulatedDisk>,
  ): void {
    const entry = log.entryAt(commitIndex);
    if (role.kind !== "leader" || commitIndex === from || entry === null) return;
    const isDurable = ({ voters, outgoing }: Membership) =>
      [voters, outgoing ?? []].every((group) => {
        const holding = group.filter((voter) => disks.get(voter.id)?.holds(entry) === true);
        return group.length === 0 || 2 * holding.length > group.length;
      });
    mustHold(
      isDurable(membership) || isDurable(memberships.latest.membership),
      "committed is durable",
      () => `${id} committed ${entry.index} without a quorum of disks`,
    );
  }

  checkSnapshot(id: NodeId, { index, term }: SnapshotMeta): void {
    const entry = this.#chosen[index - 1];
    mustHold(
      entry?.term === term,
      "state machine safety",
      () => `${id} installs a snapshot of ${index} in term ${term}`,
    );
  }

  /** An entry was applied: in order, once, and the same everywhere. */
  checkApplied(id: NodeId, before: MachineState, entry: Entry): MachineState {
    mustHold(
      entry.index === before.appliedIndex + 1,
      "applied once, in order",
      () => `${id} applied ${entry.index} after ${before.appliedIndex}`,
    );
    mustHold(
      this.#chosen[entry.index - 1] === entry,
      "state machine safety",
      () => `${id} applied ${entry.index} of term ${entry.term}, which was not agreed on`,
    );
    const expected = this.machineAt(before.appliedIndex);
    mustHold(
      before.digest === expected.digest,
      "state machine safety",
      () => `${id} has another state at ${before.appliedIndex}`,
    );
    return this.machineAt(entry.index);
  }

  /**
   * Linearizable: a read sees at least all that any client had been shown when it was asked for.
   */
  checkRead(id: NodeId, floorRevision: number, revision: number): void {
    mustHold(
      revision >= floorRevision,
      "linearizable reads",
      () => `${id} answered revision ${revision}, clients had seen ${floorRevision}`,
    );
    this.#shownRevision = Math.max(this.#shownRevision, revision);
  }

  /** A write lies after all that any client had been shown when it was asked for. */
  checkWrite(id: NodeId, floorRevision: number, revision: number): void {
    mustHold(
      revision > floorRevision,
      "linearizable writes",
      () => `${id} gave a write revision ${revision}, clients had seen ${floorRevision}`,
    );
    this.#shownRevision = Math.max(this.#shownRevision, revision);
  }

  /** No acknowledgement is lost: every write that a client was told of is in the agreed log. */
  checkAcknowledged(number: number): void {
    mustHold(
      this.#commandIndexes.has(number),
      "no lost acknowledgement",
      () => `command ${number} is gone`,
    );
  }
}

function machineAfter(before: MachineState, entry: Entry): MachineState {
  if (entry.kind !== "command") return { ...before, appliedIndex: entry.index };
  const digest = Math.imul(before.digest ^ commandNumber(entry), 0x01000193) >>> 0;
  return { appliedIndex: entry.index, revision: before.revision + 1, digest };
}
