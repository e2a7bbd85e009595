/**
 * A whole group in one thread: virtual time, the nodes, the wires between them, clients, and
 * somebody who follows a schedule to break them. Everything is drawn from the seed, so a run
 * repeats exactly.
 */

import type { NodeId } from "../../src/base/index.ts";
import type { Message } from "../../src/consensus/index.ts";
import { Chance } from "./chance.ts";
import { EventQueue } from "./event-queue.ts";
import { calm, makeRoom } from "./faults.ts";
import { type Group, leaderOf, memberOf } from "./group.ts";
import { History } from "./history.ts";
import { perform } from "./nemesis.ts";
import type { Schedule } from "./schedule.ts";
import type { NodeCounts } from "./simulated-clients.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { type Core, type NodePorts, SimulatedNode } from "./simulated-node.ts";
import type { StoreCode } from "./store/simulated-store.ts";
import { type StoreCounts, StoreWorld } from "./store/store-world.ts";
import { Violation } from "./violation.ts";

/** After everything is healed, how long the group may take to be whole again. */
const recoveryLimitMs = 60_000;
const maxNodes = 12;

export interface RunResult {
  readonly violation: Violation | null;
  /** Equal for equal runs. */
  readonly fingerprint: number;
  readonly simulatedMs: number;
  readonly counts: NodeCounts & {
    readonly entries: number;
    readonly turns: number;
  } & Partial<StoreCounts>;
}

export type TraceSink = (line: string) => void;

export class World {
  readonly #schedule: Schedule;
  readonly #history = new History();
  readonly #queue = new EventQueue();
  readonly #nodes: SimulatedNode[] = [];
  readonly #byId = new Map<NodeId, SimulatedNode>();
  readonly #disks = new Map<NodeId, SimulatedDisk>();
  readonly #network: SimulatedNetwork;
  readonly #ports: NodePorts;
  readonly #group: Group;
  readonly #counts: NodeCounts = {
    writes: 0,
    reads: 0,
    refused: 0,
    crashes: 0,
    elections: 0,
    snapshotsInstalled: 0,
    memberships: 0,
    excused: 0,
  };
  #nowMs = 0;
  #turns = 0;
  #requests = 0;
  #commands = 0;
  #fingerprint = 0;
  /** What the stores have begun and must end before anything else happens. */
  #pending: Promise<void>[] = [];
  readonly #stores: StoreWorld | null;

  /** Without a store the world is one of bare Raft. */
  constructor(
    core: Core,
    schedule: Schedule,
    trace: TraceSink | null,
    store: StoreCode | null = null,
  ) {
    this.#schedule = schedule;
    const chance = new Chance(schedule.seed ^ 0x5eed);
    const plan = (delayMs: number, run: () => void) => this.#queue.plan(this.#nowMs + delayMs, run);
    const deliver = (message: Message) =>
      this.#byId.get(message.to)?.deliver({ kind: "message", message });
    this.#network = new SimulatedNetwork({ chance, plan, deliver });
    const traceLine = (id: NodeId, what: string, detail: unknown) => {
      trace?.(`${this.#nowMs.toFixed(3).padStart(10)} ${id} ${what} ${compact(detail)}`);
    };
    this.#group = {
      nodes: this.#nodes,
      network: this.#network,
      options: schedule.options,
      quietUntilMs: 0,
      plan,
      nowMs: () => this.#nowMs,
      addNode: () => {
        if (this.#nodes.length >= maxNodes) return null;
        const node = this.#addNode(memberOf(this.#nodes.length).id, core.nothingRecovered);
        node.start();
        return node;
      },
      write: (node, sizeBytes) => this.#write(node, sizeBytes),
      propose: (node, payload) => node.propose(++this.#requests, ++this.#commands, payload),
      nextRequestId: () => ++this.#requests,
    };
    const settle = (work: Promise<void>) => {
      // Looked at when it is awaited; until then it is nobody's unhandled rejection.
      work.catch(() => undefined);
      this.#pending.push(work);
    };
    const around = { code: store as StoreCode, group: this.#group, settle, trace: traceLine };
    this.#stores = store === null ? null : new StoreWorld(around, schedule.seed);
    this.#ports = {
      core,
      stores: this.#stores,
      chance,
      plan,
      history: this.#history,
      disks: this.#disks,
      options: schedule.options,
      nowMs: () => this.#nowMs,
      send: (message) => this.#network.send(message),
      tracing: trace !== null,
      trace: traceLine,
      mix: (value) => this.#mix(value),
    };
    const founders = Array.from({ length: schedule.nodeCount }, (_, i) => memberOf(i));
    const recovered = core.bootstrapped(founders);
    for (const { id } of founders) this.#addNode(id, recovered);
    for (const node of this.#nodes) node.start();
    this.#stores?.begin();
  }

  async run(): Promise<RunResult> {
    let violation: Violation | null = null;
    try {
      for (const step of this.#schedule.steps) {
        await this.#runUntil(step.atMs);
        this.#ports.trace("world" as NodeId, step.kind, { pick: step.pick, measure: step.measure });
        this.#mix(step.pick);
        perform(this.#group, step);
      }
      await this.#recover();
    } catch (thrown) {
      // The core's own invariants are properties too.
      if (thrown instanceof Violation) violation = thrown;
      else if (thrown instanceof Error && thrown.message.startsWith("broken invariant")) {
        violation = new Violation("core invariant", thrown.message);
      } else throw thrown;
    }
    const counts = {
      ...this.#counts,
      ...this.#stores?.counts,
      entries: this.#history.chosenIndex,
      turns: this.#turns,
    };
    const fingerprint = this.#fingerprint >>> 0;
    return { violation, fingerprint, simulatedMs: this.#nowMs, counts };
  }

  #mix(value: number): void {
    this.#fingerprint = Math.imul(this.#fingerprint ^ value, 0x01000193) ^ (value >>> 7);
  }

  #write(node: SimulatedNode, sizeBytes: number): void {
    const id = ++this.#requests;
    const number = ++this.#commands;
    if (this.#stores === null) node.write(id, number, sizeBytes);
    else if (node.running) node.propose(id, number, this.#stores.nextWrite(id));
  }

  async #settle(): Promise<void> {
    for (let work = this.#pending.shift(); work !== undefined; work = this.#pending.shift()) {
      await work;
    }
  }

  async #runUntil(untilMs: number): Promise<void> {
    while (this.#queue.nextAtMs <= untilMs) {
      const next = this.#queue.take();
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      this.#turns++;
      next.run();
      if (this.#pending.length > 0) await this.#settle();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #addNode(id: NodeId, recovered: Parameters<Core["createRaft"]>[0]["recovered"]): SimulatedNode {
    const node = new SimulatedNode(id, recovered, this.#ports, this.#counts);
    this.#nodes.push(node);
    this.#byId.set(id, node);
    return node;
  }

  /** Everything is mended; the group must become whole, and serve, within the limit. */
  async #recover(): Promise<void> {
    this.#stores?.leases.rest();
    this.#network.heal();
    calm(this.#group);
    for (const node of this.#nodes) {
      node.pausedUntilMs = 0;
      node.deliver({ kind: "priority", priority: 100 });
      makeRoom(node);
      node.start();
    }
    const limitMs = this.#nowMs + recoveryLimitMs;
    let missing = "";
    let proof = 0;
    let wholeAtMs: number | null = null;
    while (this.#nowMs < limitMs) {
      await this.#runUntil(this.#nowMs + 50);
      const leader = leaderOf(this.#group);
      if (leader === undefined) missing = "no leader";
      else if (proof === 0 || !leader.clients.acknowledged.includes(proof)) {
        missing = `${leader.id} leads, but no write succeeds`;
        proof = this.#commands + 1;
        this.#group.write(leader, 0);
        leader.read(this.#group.nextRequestId(), "linearizable");
      } else {
        missing = this.#unfinished(leader);
        if (missing === "") {
          wholeAtMs ??= this.#nowMs;
          const alive = this.#stores?.unfinished() ?? "";
          if (alive === "") {
            await this.#checkEnd();
            return;
          }
          const boundMs = this.#stores?.leases.boundMs ?? 0;
          if (this.#nowMs > wholeAtMs + boundMs) throw new Violation("leases end", alive);
        }
      }
    }
    if (this.#needsUnrepaired()) return;
    throw new Violation("liveness", `${recoveryLimitMs} ms after everything healed: ${missing}`);
  }

  /**
   * True when no quorum of sound disks is left: rot that hid how far a log went, followed by a
   * change that made the damaged node indispensable. Safe, and beyond what Raft can mend by itself.
   */
  #needsUnrepaired(): boolean {
    const memberships = this.#nodes.map(({ state }) => state?.memberships.latest.membership);
    const damaged = (id: NodeId) => this.#byId.get(id)?.disk.hardState.repair != null;
    const stuck = memberships.some((membership) =>
      [membership?.voters ?? [], membership?.outgoing ?? []].some((group) => {
        const sound = group.filter(({ id }) => !damaged(id));
        return group.length > 0 && 2 * sound.length <= group.length;
      }),
    );
    if (stuck) this.#counts.excused++;
    return stuck;
  }

  /** What still keeps the group from being whole; empty when nothing does. */
  #unfinished({ state }: SimulatedNode): string {
    if (state === null) return "the leader is down";
    const { membership, index } = state.memberships.latest;
    if (index > state.commitIndex || membership.outgoing !== null) return "a change is under way";
    const waiting = membership.learners.find(({ promote }) => promote);
    if (waiting !== undefined) return `${waiting.id} is not promoted`;
    for (const { id } of [...membership.voters, ...membership.learners]) {
      const node = this.#byId.get(id);
      if (node?.state == null) return `${id} does not run`;
      if (node.machine.appliedIndex < this.#history.chosenIndex) return `${id} lags behind`;
      const { repair } = node.state;
      if (repair !== null && repair.lastIndex !== null) return `${id} is still in repair`;
    }
    return "";
  }

  /** Those who have all that was agreed on. */
  #members(): SimulatedNode[] {
    const { chosenIndex } = this.#history;
    return this.#nodes.filter(({ machine, running }) => {
      return running && machine.appliedIndex === chosenIndex;
    });
  }

  async #checkEnd(): Promise<void> {
    await this.#stores?.checkEnd(this.#members());
    for (const node of this.#nodes) {
      for (const number of node.clients.acknowledged) this.#history.checkAcknowledged(number);
    }
  }
}

/** Bytes and entries in a word, so that a trace stays readable. */
function compact(detail: unknown): string {
  return JSON.stringify(detail, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    if (typeof value === "bigint") return `${value}`;
    return value;
  });
}
