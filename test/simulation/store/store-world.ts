/**
 * What happens around the stores of a simulated group: eight clients at work, watchers and holders
 * of leases on every node, and an observer who compares all that anybody is told with a naive store
 * fed by the agreed log.
 */

import type { NodeId } from "../../../src/base/index.ts";
import type { Effect, Entry, LogIndex, RequestId } from "../../../src/consensus/index.ts";
import { decodeCommand, type Reply } from "../../../src/kvstore/index.ts";
import { NaiveStore, type Told, told } from "../../support/naive-store.ts";
import { Chance } from "../chance.ts";
import type { Group } from "../group.ts";
import type { SimulatedNode } from "../simulated-node.ts";
import { mustHold, Violation } from "../violation.ts";
import { drawRead, drawWrite } from "./client-requests.ts";
import { LeaseHolders } from "./lease-holders.ts";
import { checkLinearizable, type Operation } from "./linearizability.ts";
import { SimulatedStore, type StoreCode } from "./simulated-store.ts";
import { claimedRevisions, type StoreRequest, same, storeModel } from "./store-model.ts";
import { Watchers } from "./watchers.ts";

const clientCount = 8;
/** After so long a client gives up, and goes on as somebody else. */
const patienceMs = 300;
const beatMs = 40;
const noSuchLease = -1n;

/** An operation of a client, while it is under way. */
interface Asked {
  readonly client: number;
  readonly request: StoreRequest;
  readonly invokedAt: number;
  readonly invokedMs: number;
  returned: { at: number; answer: Told } | null;
  over: boolean;
}

export interface StoreCounts {
  operations: number;
  unanswered: number;
  events: number;
  leasesKept: number;
  leasesExpired: number;
}

export class StoreWorld {
  readonly counts: StoreCounts = {
    operations: 0,
    unanswered: 0,
    events: 0,
    leasesKept: 0,
    leasesExpired: 0,
  };
  readonly chance: Chance;
  readonly naive = new NaiveStore();
  readonly #code: StoreCode;
  readonly #group: Group;
  readonly #settle: (work: Promise<void>) => void;
  readonly #trace: (id: NodeId, what: string, detail: unknown) => void;
  readonly #stores = new Map<NodeId, SimulatedStore>();
  readonly #snapshots = new Map<LogIndex, { term: number; bytes: Uint8Array }>();
  /** What the naive store answered to each entry. */
  readonly #expected: (Told | undefined)[] = [];
  readonly #foreign = new Set<number>();
  readonly #history: Asked[] = [];
  readonly #busy: (Asked | null)[] = Array.from({ length: clientCount }, () => null);
  readonly #byRequest = new Map<RequestId, Asked>();
  /** Accepted commands of clients, by node and index. */
  readonly #accepted = new Map<string, { term: number; id: RequestId }>();
  readonly #watchers: Watchers;
  readonly leases: LeaseHolders;
  readonly #seed: number;
  #moment = 0;

  constructor(
    parts: {
      code: StoreCode;
      group: Group;
      settle: (work: Promise<void>) => void;
      trace: (id: NodeId, what: string, detail: unknown) => void;
    },
    seed: number,
  ) {
    this.#code = parts.code;
    this.#group = parts.group;
    this.#settle = parts.settle;
    this.#trace = parts.trace;
    this.#seed = seed;
    this.chance = new Chance(seed ^ 0x570e);
    this.#watchers = new Watchers(this, this.counts);
    this.leases = new LeaseHolders(this, parts.group, this.counts);
  }

  newStore(id: NodeId): SimulatedStore {
    const store = new SimulatedStore(id, {
      code: this.#code,
      chance: this.chance,
      snapshots: this.#snapshots,
      settle: this.#settle,
      onApplied: (from, entries, replies) => this.#onApplied(from, entries, replies),
    });
    this.#stores.set(id, store);
    return store;
  }

  get stores(): readonly SimulatedStore[] {
    return [...this.#stores.values()];
  }

  storeOf(node: SimulatedNode): SimulatedStore {
    return this.#stores.get(node.id) as SimulatedStore;
  }

  begin(): void {
    const beat = () => {
      this.#watchers.beat();
      this.leases.beat();
      this.#group.plan(beatMs, beat);
    };
    this.#group.plan(beatMs, beat);
  }

  /** The command that a free client writes next; one without effect when all are busy. */
  nextWrite(id: RequestId): Uint8Array {
    const asked = this.#ask(id, () => drawWrite(this.chance, this.naive));
    if (asked === null || asked.request.kind === "range") {
      return this.encode({ kind: "lease-revoke", id: noSuchLease });
    }
    return this.#code.encodeCommand(asked.request);
  }

  nextRead(id: RequestId): void {
    this.#ask(id, () => drawRead(this.chance, this.naive));
  }

  #ask(id: RequestId, draw: () => StoreRequest): Asked | null {
    const nowMs = this.#group.nowMs();
    for (const [client, asked] of this.#busy.entries()) {
      if (asked !== null && nowMs - asked.invokedMs > patienceMs) this.#busy[client] = null;
    }
    const free = this.#busy.indexOf(null);
    if (free === -1) return null;
    const invokedAt = ++this.#moment;
    const asked: Asked = {
      client: free,
      request: draw(),
      invokedAt,
      invokedMs: nowMs,
      returned: null,
      over: false,
    };
    this.#busy[free] = asked;
    this.#byRequest.set(id, asked);
    this.#history.push(asked);
    return asked;
  }

  /** A command of the machinery itself, not of a client. */
  encode(command: Parameters<StoreCode["encodeCommand"]>[0]): Uint8Array {
    return this.#code.encodeCommand(command);
  }

  onAccepted(node: NodeId, effect: Extract<Effect, { kind: "accepted" }>): void {
    const { firstIndex, term, id } = effect;
    this.#accepted.set(`${node} ${firstIndex}`, { term, id });
  }

  /** Nothing has come of it, and nothing will. */
  onRefused(id: RequestId): void {
    this.leases.onRefused(id);
    const asked = this.#byRequest.get(id);
    if (asked === undefined) return;
    this.#byRequest.delete(id);
    asked.over = true;
    const at = this.#history.indexOf(asked);
    if (at >= 0) this.#history.splice(at, 1);
    if (this.#busy[asked.client] === asked) this.#busy[asked.client] = null;
  }

  onReadReady(node: SimulatedNode, id: RequestId): void {
    this.leases.onReadReady(node, id);
    const asked = this.#byRequest.get(id);
    const { machine } = this.storeOf(node);
    if (asked === undefined || asked.request.kind !== "range" || machine === null) return;
    const { request } = asked;
    this.storeOf(node).enqueue(async () => {
      const read = await machine.range(request);
      // The revision was compacted: an answer, but one that says nothing of keys.
      if (read.ok) this.#answer(id, { ...read.value });
      else this.onRefused(id);
    });
  }

  #answer(id: RequestId, answer: Told): void {
    const asked = this.#byRequest.get(id);
    if (asked === undefined) return;
    this.#byRequest.delete(id);
    asked.returned = { at: ++this.#moment, answer };
    asked.over = true;
    if (this.#busy[asked.client] === asked) this.#busy[asked.client] = null;
  }

  #onApplied(store: SimulatedStore, entries: readonly Entry[], replies: readonly Reply[]): void {
    let next = 0;
    for (const entry of entries) {
      const expected = this.#expectedOf(entry);
      if (expected === null) continue;
      const reply = replies[next++];
      const answer = reply === undefined ? null : told(reply);
      mustHold(
        same(answer, expected),
        "every copy answers alike",
        () => `${store.name} at ${entry.index}: ${shown(answer)}, not ${shown(expected)}`,
      );
      const name = `${store.name} ${entry.index}`;
      const accepted = this.#accepted.get(name);
      if (accepted === undefined) continue;
      this.#accepted.delete(name);
      if (accepted.term === entry.term) this.#answer(accepted.id, expected);
      else this.onRefused(accepted.id);
    }
  }

  #expectedOf(entry: Entry): Told | null {
    const known = this.#expected[entry.index];
    if (known !== undefined) return known;
    const command = entry.kind === "command" ? decodeCommand(entry.command.subarray(4)) : null;
    if (command === null) return null;
    if (!command.ok) throw new Error("commands of the simulation can be read");
    const before = this.naive.revision;
    const reply = this.naive.apply(command.value, entry.term);
    const isOfLeases =
      command.value.kind.startsWith("lease") ||
      (command.value.kind === "put" && command.value.key.startsWith("lease/"));
    if (isOfLeases && this.naive.revision > before) this.#foreign.add(this.naive.revision);
    if (command.value.kind.startsWith("lease")) this.leases.onCommand(command.value, reply);
    this.#expected[entry.index] = reply;
    return reply;
  }

  trace(what: string, detail: unknown): void {
    this.#trace("store" as NodeId, what, detail);
  }

  /** Why the end is not reached yet; empty when it is. */
  unfinished(): string {
    return this.leases.unfinished();
  }

  /** When all is well again: copies are equal, nothing was missed, and the history is possible. */
  async checkEnd(members: readonly SimulatedNode[]): Promise<void> {
    await this.#watchers.finish(members.map((node) => this.storeOf(node)));
    const hashes = new Map<string, string>();
    for (const node of members) {
      const { machine } = this.storeOf(node);
      if (machine === null) continue;
      const hash = await machine.hash(0, new AbortController().signal);
      const { revision, compactRevision, keys, versions, storedBytes } = machine.status();
      const leases = [...machine.leases().values()].map(({ id, keys: of }) => [id, [...of].sort()]);
      const all = { hash, revision, compactRevision, keys, versions, storedBytes, leases };
      hashes.set(shown(all), node.id);
    }
    mustHold(hashes.size <= 1, "copies are equal", () => [...hashes.keys()].join(" and "));
    // Compactions change nothing that clients may ask of the model; copies have agreed on them.
    const judged = this.#history.filter(({ request }) => request.kind !== "compact");
    const history = judged.map(({ request, invokedAt, returned }) => {
      return { request, invokedAt, returned } satisfies Operation<StoreRequest, Told>;
    });
    this.counts.operations += history.filter(({ returned }) => returned !== null).length;
    this.counts.unanswered += history.filter(({ returned }) => returned === null).length;
    // Whoever watched all keys has been told these: `Watchers` has compared them one by one.
    const { events } = this.naive;
    const told = (revision: number) => events.filter((event) => event.revision === revision);
    const verdict = checkLinearizable(
      storeModel(this.#foreign, claimedRevisions(history), told),
      history,
    );
    if (verdict.linearizable === true) return;
    if (verdict.linearizable === null)
      throw new Error(`the history of seed ${this.#seed} is too long to be checked`);
    throw new Violation("linearizable", `stuck at ${shown(verdict.stuckAt)}`);
  }
}

const shown = (value: unknown) =>
  JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === "bigint") return `${each}n`;
    return each instanceof Uint8Array ? [...each].join(" ") : each;
  });
