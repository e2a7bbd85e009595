/**
 * One node of the simulated group: the production core, driven as a real driver would, with a clock
 * of its own, a disk, a state machine, and the bad habit of crashing. After every step the observer
 * checks what the core claims.
 */

import type { NodeId } from "../../src/base/index.ts";
import type {
  Effect,
  Entry,
  Message,
  RaftEvent,
  RaftOptions,
  RaftState,
  Recovered,
  RequestId,
} from "../../src/consensus/index.ts";
import type { Chance } from "./chance.ts";
import { emptyMachine, type History, type MachineState } from "./history.ts";
import { type NodeCounts, SimulatedClients } from "./simulated-clients.ts";
import { SimulatedDisk, type StoredSnapshot } from "./simulated-disk.ts";
import type { SimulatedStore } from "./store/simulated-store.ts";
import type { StoreWorld } from "./store/store-world.ts";
import { mustHold, Violation } from "./violation.ts";

/** The core under test: production's, or a copy with a bug planted in it. */
export type Core = typeof import("../../src/consensus/index.ts");

export interface NodePorts {
  readonly core: Core;
  readonly chance: Chance;
  readonly history: History;
  readonly disks: Map<NodeId, SimulatedDisk>;
  readonly options: RaftOptions;
  /** Null in a world of bare Raft. */
  readonly stores: StoreWorld | null;
  nowMs(): number;
  plan(delayMs: number, run: () => void): void;
  send(message: Message): void;
  trace(id: NodeId, what: string, detail: unknown): void;
  tracing: boolean;
  /** Mixed into the fingerprint by which two runs are compared. */
  mix(value: number): void;
}

const clusterId = "simulation";

export class SimulatedNode {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  /** Local milliseconds per true millisecond, and the difference at the start. */
  readonly clockRate: number;
  clockOffsetMs = 0;
  readonly clients: SimulatedClients;
  readonly store: SimulatedStore | null;
  state: RaftState | null = null;
  machine: MachineState = emptyMachine;
  removed = false;
  pausedUntilMs = 0;
  readonly counts: NodeCounts;
  readonly #ports: NodePorts;
  #inbox: RaftEvent[] = [];
  #turnPlanned = false;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  /** Raised by a crash: whatever was planned for the run before must not touch the next. */
  #epoch = 0;
  #snapshotBytes: Uint8Array[] = [];
  #applying: readonly Entry[] | null = null;

  constructor(id: NodeId, recovered: Recovered, ports: NodePorts, counts: NodeCounts) {
    this.id = id;
    this.counts = counts;
    this.clients = new SimulatedClients(id, ports.history, counts);
    this.#ports = ports;
    this.store = ports.stores?.newStore(id) ?? null;
    const { chance, options } = ports;
    // The worst that leases allow for is as likely as all the rest.
    const drift = options.maxClockDriftRatio;
    const extreme = chance.happens(0.5) ? drift : -drift;
    this.clockRate = 1 + (chance.happens(0.5) ? extreme : chance.between(-drift, drift));
    this.disk = new SimulatedDisk(recovered, {
      chance,
      plan: ports.plan,
      onPersisted: (token) => this.deliver({ kind: "persisted", token }),
      onInstalled: (stored) => this.#onInstalled(stored),
    });
    ports.disks.set(id, this.disk);
  }

  get running(): boolean {
    return this.state !== null;
  }

  get leads(): boolean {
    return this.state?.role.kind === "leader";
  }

  get localMs(): number {
    return this.clockOffsetMs + this.#ports.nowMs() * this.clockRate;
  }

  start(): void {
    if (this.running || this.removed) return;
    const { core, chance, history, options } = this.#ports;
    // A monotonic clock starts anywhere, and elsewhere after a restart.
    this.clockOffsetMs = chance.between(0, 1e6);
    // The state machine is not synced on its own: it comes back as it was at some earlier moment.
    const oldest = this.disk.snapshot?.meta.index ?? 0;
    const newest = Math.min(this.machine.appliedIndex, this.disk.lastIndex);
    const appliedIndex =
      this.store?.start(oldest, newest) ?? oldest + chance.below(Math.max(0, newest - oldest) + 1);
    this.machine = history.machineAt(appliedIndex);
    const created = core.createRaft(
      { random: chance.random, recovered: this.disk.recovered(appliedIndex) },
      { id: this.id, clusterId },
      options,
      this.localMs,
    );
    if (!created.ok) throw new Violation("recovery", `${this.id}: ${created.fault.message}`);
    this.state = created.value;
    this.#trace("start", { appliedIndex, ...this.disk.hardState });
    this.#planWake();
  }

  crash(): void {
    if (!this.running) return;
    this.#trace("crash", {});
    this.counts.crashes++;
    this.#epoch++;
    this.state = null;
    this.#inbox = [];
    this.#turnPlanned = false;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.clients.forget();
    this.#snapshotBytes = [];
    this.#applying = null;
    this.store?.crash();
    this.disk.crash();
  }

  deliver(event: RaftEvent): void {
    if (!this.running) return;
    this.#inbox.push(event);
    if (this.#turnPlanned) return;
    this.#turnPlanned = true;
    const { chance } = this.#ports;
    this.#planTurn(chance.happens(0.1) ? chance.between(0, 3) : 0.01);
  }

  #planTurn(delayMs: number): void {
    this.#later(Math.max(delayMs, this.pausedUntilMs - this.#ports.nowMs()), () => {
      if (this.pausedUntilMs > this.#ports.nowMs()) return this.#planTurn(0);
      this.#turnPlanned = false;
      this.#turn();
    });
  }

  /** Plans something that a crash cancels. */
  #later(delayMs: number, run: () => void): void {
    const epoch = this.#epoch;
    this.#ports.plan(delayMs, () => {
      if (epoch === this.#epoch) run();
    });
  }

  #planWake(): void {
    if (this.state === null) return;
    const { core } = this.#ports;
    const nowMs = this.#ports.nowMs();
    const dueMs = (core.nextWakeMs(this.state) - this.clockOffsetMs) / this.clockRate;
    // Timers fire late, never early.
    const atMs = Math.max(nowMs, this.pausedUntilMs, dueMs) + 0.05;
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#later(atMs - nowMs, () => {
      if (atMs !== this.#wakeAtMs) return;
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      if (this.state === null) return;
      const due = core.nextWakeMs(this.state) <= this.localMs;
      if (due && this.pausedUntilMs <= this.#ports.nowMs()) {
        this.#inbox.push({ kind: "tick" });
        this.#turn();
      } else this.#planWake();
    });
  }

  #turn(): void {
    const { state } = this;
    if (state === null) return;
    const { core, history, disks } = this.#ports;
    const events = this.#inbox;
    this.#inbox = [];
    const { commitIndex } = state;
    const before = { commitIndex, membership: state.memberships.latest.membership };
    const ledBefore = state.role.kind === "leader" ? state.term : 0;
    if (this.#ports.tracing) {
      for (const event of events) this.#trace("event", event);
    }
    const effects = core.step(state, events, this.localMs);
    this.#ports.mix(state.term * 31 + state.commitIndex);
    if (state.role.kind === "leader" && ledBefore !== state.term) {
      this.counts.elections++;
      this.store?.clock.reset();
      history.noteLeader(state);
    }
    history.noteCommits(state, commitIndex, state.commitIndex);
    history.checkDurable(state, before, disks);
    for (const effect of effects) {
      if (this.#ports.tracing) this.#trace("effect", effect);
      this.#carryOut(state, effect);
      if (!this.running) return;
    }
    this.#planWake();
  }

  #carryOut(state: RaftState, effect: Effect): void {
    switch (effect.kind) {
      case "send":
        this.#checkPromise(effect.message);
        this.#ports.mix(effect.message.kind.length);
        this.#ports.send(effect.message);
        break;
      case "persist":
        this.#ports.history.noteEntries(this.id, state, effect.entries);
        this.#checkHardState(effect);
        this.disk.write(effect);
        break;
      case "apply":
        this.#applying = effect.entries;
        this.#later(this.#ports.chance.between(0, 2), () => {
          if (this.#applying === effect.entries) this.#apply(effect.entries);
        });
        break;
      case "compact":
        this.disk.write({ kind: "compact", upTo: effect.upTo });
        break;
      case "snapshot-wanted":
        this.takeSnapshot();
        break;
      case "read-snapshot-chunk":
        this.#later(this.#ports.chance.between(0.1, 2), () => this.#readChunk(effect));
        break;
      case "write-snapshot-chunk":
        if (effect.offset === 0) this.#snapshotBytes = [];
        this.#snapshotBytes.push(effect.bytes);
        this.#later(this.#ports.chance.between(0.1, 2), () => {
          const { index, offset } = effect;
          this.deliver({ kind: "snapshot-chunk-written", index, offset });
        });
        break;
      case "install-snapshot":
        this.#install(effect);
        break;
      case "accepted":
        this.clients.onAccepted(effect);
        this.#ports.stores?.onAccepted(this.id, effect);
        break;
      case "refused":
        this.clients.onRefused(effect.id);
        this.#ports.stores?.onRefused(effect.id);
        break;
      case "read-ready":
        this.clients.onReadReady(effect, this.machine);
        this.#ports.stores?.onReadReady(this, effect.id);
        break;
      case "membership-changed":
        this.counts.memberships++;
        break;
      case "removed":
        this.removed = true;
        this.crash();
        break;
      case "halt":
        throw new Violation("no halt", `${this.id}: ${effect.fault.message}`);
      case "role-changed":
      case "transfer-started":
        break;
    }
  }

  /** Acknowledgements leave only after what they promise is on disk. */
  #checkPromise(message: Message): void {
    const { disk, id } = this;
    if (message.kind === "append-accepted") {
      // Within one step the log may move on to a newer leader's; the promise was to the older one.
      const { term, log } = this.state ?? { term: null, log: null };
      const entry = term === message.term ? log.entryAt(message.matchIndex) : null;
      mustHold(
        entry === null ? message.matchIndex <= disk.lastIndex : disk.holds(entry),
        "acknowledged is durable",
        () => `${id} acknowledges ${message.matchIndex}, its disk ends at ${disk.lastIndex}`,
      );
    } else if (message.kind === "vote-reply" && message.granted) {
      const { term, votedFor } = disk.hardState;
      mustHold(
        term === message.term && votedFor === message.to,
        "votes are durable",
        () =>
          `${id} votes for ${message.to} in ${message.term}, its disk says ${votedFor} in ${term}`,
      );
    }
  }

  /** Terms never go back, and a vote stands for its whole term; over crashes too. */
  #checkHardState({ hardState }: Extract<Effect, { kind: "persist" }>): void {
    if (hardState === null) return;
    const { term, votedFor } = hardState;
    const before = this.disk.hardState;
    const revoked =
      term === before.term && before.votedFor !== null && before.votedFor !== votedFor;
    mustHold(
      term >= before.term && !revoked,
      "one vote a term",
      () => `${this.id}: ${before.votedFor} in ${before.term}, then ${votedFor} in ${term}`,
    );
  }

  #apply(entries: readonly Entry[]): void {
    this.#applying = null;
    for (const entry of entries) {
      this.machine = this.#ports.history.checkApplied(this.id, this.machine, entry);
      this.clients.onApplied(entry, this.machine);
    }
    this.store?.apply(entries);
    this.deliver({ kind: "applied", index: this.machine.appliedIndex });
  }

  write(id: RequestId, number: number, sizeBytes: number): void {
    this.propose(id, number, new Uint8Array(sizeBytes));
  }

  /** The observer knows the command by its number. */
  propose(id: RequestId, number: number, payload: Uint8Array): void {
    const command = new Uint8Array(4 + payload.length);
    new DataView(command.buffer).setUint32(0, number);
    command.set(payload, 4);
    if (this.running) this.clients.begin(id, number);
    this.deliver({ kind: "propose", id, commands: [command] });
  }

  read(id: RequestId, mode: "linearizable" | "lease"): void {
    if (this.running) {
      this.clients.begin(id, 0);
      this.#ports.stores?.nextRead(id);
    }
    this.deliver({ kind: "read", id, mode });
  }

  takeSnapshot(): void {
    if (this.state === null) return;
    const meta = this.#ports.core.snapshotMeta(this.state);
    if (meta === null) return;
    if (this.store?.takeSnapshot(meta.index) === false) {
      // It has applied more than the core has heard of yet.
      this.#later(0.5, () => this.takeSnapshot());
      return;
    }
    const machine = this.#ports.history.machineAt(meta.index);
    const bytes = new TextEncoder().encode(JSON.stringify({ index: meta.index, ...machine }));
    this.#later(this.#ports.chance.between(1, 20), () => {
      if (meta.index <= (this.disk.snapshot?.meta.index ?? 0)) return;
      this.disk.keepSnapshot({ meta, bytes });
      this.deliver({ kind: "snapshot-taken", snapshot: meta });
    });
  }

  #readChunk(effect: Extract<Effect, { kind: "read-snapshot-chunk" }>): void {
    const { peer, index, offset, maxBytes } = effect;
    const stored = this.disk.snapshots.find(({ meta }) => meta.index === index);
    const bytes = stored?.bytes.slice(offset, offset + maxBytes);
    const done = stored !== undefined && offset + maxBytes >= stored.bytes.length;
    const chunk = bytes === undefined ? null : { bytes, done };
    this.deliver({ kind: "snapshot-chunk-read", peer, index, offset, chunk });
  }

  #install({ snapshot }: Extract<Effect, { kind: "install-snapshot" }>): void {
    // A driver lets the state machine finish before it replaces it.
    if (this.#applying !== null) this.#apply(this.#applying);
    const bytes = new Uint8Array(this.#snapshotBytes.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#snapshotBytes) {
      bytes.set(part, at);
      at += part.length;
    }
    const read = JSON.parse(new TextDecoder().decode(bytes)) as { index: number };
    mustHold(
      read.index === snapshot.index,
      "snapshots arrive whole",
      () => `${this.id} received ${read.index} as ${snapshot.index}`,
    );
    if (this.#ports.chance.happens(0.1)) {
      // A byte flipped on the way to disk: the store's checksum finds it.
      const { index } = snapshot;
      this.#later(1, () => this.deliver({ kind: "snapshot-installed", index, sound: false }));
      return;
    }
    this.disk.write({ kind: "install", stored: { meta: snapshot, bytes } });
  }

  #onInstalled({ meta }: StoredSnapshot): void {
    this.#ports.history.checkSnapshot(this.id, meta);
    this.machine = this.#ports.history.machineAt(meta.index);
    this.store?.restore(meta.index);
    this.counts.snapshotsInstalled++;
    this.clients.forgetAccepted();
    this.deliver({ kind: "snapshot-installed", index: meta.index, sound: true });
  }

  #trace(what: string, detail: unknown): void {
    this.#ports.trace(this.id, what, detail);
  }
}
