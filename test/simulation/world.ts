/**
 * A whole group in one thread: virtual time, the nodes, the wires between them, clients, and somebody
 * who follows a schedule to break them. Everything is drawn from the seed, so a run repeats exactly.
 */

import type { NodeId } from "../../src/base/index.ts";
import type { MemberChange, Membership, Message, RaftOptions } from "../../src/consensus/index.ts";
import { Chance } from "./chance.ts";
import { EventQueue } from "./event-queue.ts";
import { History } from "./history.ts";
import type { Schedule, ScheduledStep } from "./schedule.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { type Core, type NodeCounts, type NodePorts, SimulatedNode } from "./simulated-node.ts";
import { Violation } from "./violation.ts";

/** Small numbers, so that every limit is met within a few seconds of simulated time. */
const simulatedOptions: RaftOptions = {
  heartbeatMs: 20,
  electionTimeoutMs: 120,
  maxClockDriftRatio: 0.1,
  priority: 100,
  maxAppendBytes: 256,
  maxAppendEntries: 8,
  maxInflightMessages: 4,
  maxInflightBytes: 1024,
  maxUncommittedBytes: 2048,
  maxApplyBytes: 512,
  maxPendingReads: 16,
  readTimeoutMs: 200,
  snapshotChunkBytes: 24,
  snapshotEveryBytes: 1024,
  retainedEntries: 6,
};

/** After everything is healed, how long the group may take to be whole again. */
const recoveryLimitMs = 60_000;
const maxNodes = 12;

export interface RunResult {
  readonly violation: Violation | null;
  /** Equal for equal runs. */
  readonly fingerprint: number;
  readonly simulatedMs: number;
  readonly counts: NodeCounts & { readonly entries: number; readonly turns: number };
}

export type TraceSink = (line: string) => void;

export class World {
  readonly #core: Core;
  readonly #schedule: Schedule;
  readonly #history = new History();
  readonly #queue = new EventQueue();
  readonly #nodes: SimulatedNode[] = [];
  readonly #byId = new Map<NodeId, SimulatedNode>();
  readonly #disks = new Map<NodeId, SimulatedDisk>();
  readonly #network: SimulatedNetwork;
  readonly #ports: NodePorts;
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

  constructor(core: Core, schedule: Schedule, trace: TraceSink | null) {
    this.#core = core;
    this.#schedule = schedule;
    const chance = new Chance(schedule.seed ^ 0x5eed);
    const plan = (delayMs: number, run: () => void) => this.#queue.plan(this.#nowMs + delayMs, run);
    const deliver = (message: Message) =>
      this.#byId.get(message.to)?.deliver({ kind: "message", message });
    this.#network = new SimulatedNetwork({ chance, plan, deliver });
    this.#ports = {
      core,
      chance,
      plan,
      history: this.#history,
      disks: this.#disks,
      options: simulatedOptions,
      nowMs: () => this.#nowMs,
      send: (message) => this.#network.send(message),
      tracing: trace !== null,
      trace: (id, what, detail) => {
        trace?.(`${this.#nowMs.toFixed(3).padStart(10)} ${id} ${what} ${compact(detail)}`);
      },
      mix: (value) => this.#mix(value),
    };
    const founders = Array.from({ length: schedule.nodeCount }, (_, i) => memberOf(i));
    const recovered = core.bootstrapped(founders);
    for (const { id } of founders) this.#addNode(id, recovered);
    for (const node of this.#nodes) node.start();
  }

  run(): RunResult {
    let violation: Violation | null = null;
    try {
      for (const step of this.#schedule.steps) {
        this.#runUntil(step.atMs);
        this.#ports.trace("world" as NodeId, step.kind, { pick: step.pick, measure: step.measure });
        this.#mix(step.pick);
        this.#perform(step);
      }
      this.#recover();
    } catch (thrown) {
      // The core's own invariants are properties too.
      if (thrown instanceof Violation) violation = thrown;
      else if (thrown instanceof Error && thrown.message.startsWith("broken invariant")) {
        violation = new Violation("core invariant", thrown.message);
      } else throw thrown;
    }
    const counts = { ...this.#counts, entries: this.#history.chosenIndex, turns: this.#turns };
    const fingerprint = this.#fingerprint >>> 0;
    return { violation, fingerprint, simulatedMs: this.#nowMs, counts };
  }

  #mix(value: number): void {
    this.#fingerprint = Math.imul(this.#fingerprint ^ value, 0x01000193) ^ (value >>> 7);
  }

  #runUntil(untilMs: number): void {
    while (this.#queue.nextAtMs <= untilMs) {
      const next = this.#queue.take();
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      this.#turns++;
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #addNode(id: NodeId, recovered: Parameters<Core["createRaft"]>[0]["recovered"]): SimulatedNode {
    const node = new SimulatedNode(id, recovered, this.#ports, this.#counts);
    this.#nodes.push(node);
    this.#byId.set(id, node);
    return node;
  }

  #perform({ kind, pick, measure }: ScheduledStep): void {
    const victim = this.#nodes[pick % this.#nodes.length] as SimulatedNode;
    const leader = this.#nodes.find((node) => node.leads);
    const network = this.#network;
    switch (kind) {
      case "write":
        for (let count = 1 + Math.floor(measure * measure * 12); count > 0; count--) {
          this.#write(this.#contact(pick), pick % 40);
        }
        break;
      case "read":
        this.#contact(pick).read(++this.#requests, "linearizable");
        break;
      case "lease-read":
        // Asked of everybody who may believe to lead: that is where stale answers come from.
        for (const node of this.#nodes) if (node.leads) node.read(++this.#requests, "lease");
        break;
      case "crash":
        this.#crash(victim, measure);
        break;
      case "crash-leader":
        if (leader !== undefined) this.#crash(leader, measure);
        break;
      case "crash-all":
        for (const node of this.#nodes) this.#crash(node, measure);
        break;
      case "rot":
        this.#rot(victim, measure);
        break;
      case "pause":
        victim.pausedUntilMs = this.#nowMs + measure * 4 * simulatedOptions.electionTimeoutMs;
        break;
      case "isolate":
        this.#isolate(victim);
        break;
      case "isolate-leader":
        if (leader !== undefined) this.#isolate(leader);
        break;
      case "split":
        this.#split(pick);
        break;
      case "cut-one-way": {
        const other = this.#nodes[(pick >>> 8) % this.#nodes.length] as SimulatedNode;
        network.cut(victim.id, other.id);
        break;
      }
      case "slow-link": {
        const other = this.#nodes[(pick >>> 8) % this.#nodes.length] as SimulatedNode;
        network.slow(victim.id, other.id, measure * 150);
        break;
      }
      case "heal":
        network.heal();
        break;
      case "lossy":
        network.lossRatio = measure * 0.3;
        network.duplicateRatio = measure * 0.3;
        network.maxDelayMs = 2 + measure * 30;
        break;
      case "calm":
        this.#calm();
        break;
      case "slow-disk":
        victim.disk.slowness = 1 + measure * 40;
        break;
      case "disk-full":
        this.#fillDisk(victim, measure);
        break;
      case "transfer":
        this.#contact(pick).deliver({
          kind: "transfer-leadership",
          id: ++this.#requests,
          target: measure < 0.3 ? null : victim.id,
        });
        break;
      case "change-membership":
        this.#changeMembership(pick, measure);
        break;
      case "snapshot":
        victim.takeSnapshot();
        break;
      case "priority":
        victim.deliver({ kind: "priority", priority: Math.round(measure * 100) });
        break;
    }
  }

  /** Mostly a client knows the leader; now and then it believes an old one, or asks anybody. */
  #contact(pick: number): SimulatedNode {
    const leaders = this.#nodes.filter((node) => node.leads);
    const from = leaders.length > 0 && (pick >>> 16) % 4 !== 0 ? leaders : this.#nodes;
    return from[(pick >>> 4) % from.length] as SimulatedNode;
  }

  #write(node: SimulatedNode, sizeBytes: number): void {
    node.write(++this.#requests, ++this.#commands, sizeBytes);
  }

  #crash(node: SimulatedNode, measure: number): void {
    node.crash();
    this.#ports.plan(1 + measure * 600, () => node.start());
  }

  /**
   * A synced entry becomes unreadable. Only while every other member's disk is sound: the rule that a
   * damaged node does not vote keeps what was agreed on alive in the rest.
   */
  #rot(node: SimulatedNode, measure: number): void {
    const members = this.#latestMembership();
    const sound = this.#nodes.every((other) => other.disk.hardState.repair === null);
    if (!sound || members.voters.length < 3 || (members.outgoing?.length ?? 3) < 3) return;
    if (!node.running) return;
    this.#crash(node, measure);
    const { disk } = node;
    const first = Math.max(disk.base.index, disk.snapshot?.meta.index ?? 0) + 1;
    if (first > disk.lastIndex) return;
    const index = first + Math.floor(measure * (disk.lastIndex - first + 1));
    disk.rot(index, measure < 0.7);
    this.#ports.trace(node.id, "rot", { index });
  }

  #isolate(node: SimulatedNode): void {
    for (const other of this.#nodes) {
      this.#network.cut(node.id, other.id);
      this.#network.cut(other.id, node.id);
    }
  }

  #split(pick: number): void {
    const side = (index: number) => (pick >>> index) & 1;
    for (const [i, left] of this.#nodes.entries()) {
      for (const [j, right] of this.#nodes.entries()) {
        if (side(i) !== side(j)) this.#network.cut(left.id, right.id);
      }
    }
  }

  #calm(): void {
    this.#network.lossRatio = 0;
    this.#network.duplicateRatio = 0;
    this.#network.maxDelayMs = 2;
    for (const { disk } of this.#nodes) disk.slowness = 1;
  }

  #fillDisk(node: SimulatedNode, measure: number): void {
    node.disk.setFull(true);
    node.deliver({ kind: "disk-full", full: true });
    this.#ports.plan(50 + measure * 500, () => this.#makeRoom(node));
  }

  #makeRoom(node: SimulatedNode): void {
    node.disk.setFull(false);
    node.deliver({ kind: "disk-full", full: false });
  }

  #latestMembership(): Membership {
    let latest = {
      index: -1,
      membership: { voters: [], outgoing: null, learners: [] } as Membership,
    };
    for (const { state } of this.#nodes) {
      const placed = state?.memberships.at(state.commitIndex);
      if (placed !== undefined && placed.index > latest.index) latest = placed;
    }
    return latest.membership;
  }

  /** One to three changes at once; more than one makes it joint. */
  #changeMembership(pick: number, measure: number): void {
    const leader = this.#contact(pick);
    const now = leader.state?.memberships.latest.membership;
    if (now === undefined) return;
    const draw = new Chance(pick);
    const changes: MemberChange[] = [];
    for (let count = 1 + Math.floor(measure * 3); count > 0; count--) {
      const roll = draw.ratio();
      const voter = now.voters[draw.below(now.voters.length)];
      const learner = now.learners[draw.below(now.learners.length)];
      if (roll < 0.4 && this.#nodes.length < maxNodes) {
        const member = memberOf(this.#nodes.length);
        this.#addNode(member.id, this.#core.nothingRecovered).start();
        changes.push({ kind: "add-learner", member, promote: draw.happens(0.8) });
      } else if (roll < 0.5 && learner !== undefined) {
        changes.push({ kind: "promote", id: learner.id });
      } else if (roll < 0.6 && learner !== undefined) {
        changes.push({ kind: "remove", id: learner.id });
      } else if (roll < 0.7 && voter !== undefined) {
        changes.push({ kind: "demote", id: voter.id });
      } else if (voter !== undefined && now.voters.length > 2) {
        changes.push({ kind: "remove", id: voter.id });
      }
    }
    leader.deliver({ kind: "change-membership", id: ++this.#requests, changes });
  }

  /** Everything is mended; the group must become whole, and serve, within the limit. */
  #recover(): void {
    this.#network.heal();
    this.#calm();
    for (const node of this.#nodes) {
      node.pausedUntilMs = 0;
      node.deliver({ kind: "priority", priority: 100 });
      this.#makeRoom(node);
      node.start();
    }
    const limitMs = this.#nowMs + recoveryLimitMs;
    let missing = "";
    let proof = 0;
    while (this.#nowMs < limitMs) {
      this.#runUntil(this.#nowMs + 50);
      const leader = this.#leaderOfNewestTerm();
      if (leader === undefined) missing = "no leader";
      else if (proof === 0 || !leader.acknowledged.includes(proof)) {
        missing = `${leader.id} leads, but no write succeeds`;
        proof = this.#commands + 1;
        this.#write(leader, 0);
        leader.read(++this.#requests, "linearizable");
      } else {
        missing = this.#unfinished(leader);
        if (missing === "") {
          this.#checkEnd();
          return;
        }
      }
    }
    if (this.#needsUnrepaired()) return;
    throw new Violation("liveness", `${recoveryLimitMs} ms after everything healed: ${missing}`);
  }

  /**
   * True when no quorum of sound disks is left: rot that hid how far a log went, followed by a change
   * that made the damaged node indispensable. Safe, and beyond what Raft can mend by itself.
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

  #leaderOfNewestTerm(): SimulatedNode | undefined {
    let newest: SimulatedNode | undefined;
    for (const node of this.#nodes) {
      if (node.leads && (node.state?.term ?? 0) > (newest?.state?.term ?? 0)) newest = node;
    }
    return newest;
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

  #checkEnd(): void {
    for (const node of this.#nodes) {
      for (const number of node.acknowledged) this.#history.checkAcknowledged(number);
    }
  }
}

function memberOf(index: number) {
  const id = `n${index + 1}` as NodeId;
  return { id, address: `${id}.simulation` };
}

/** Bytes and entries in a word, so that a trace stays readable. */
function compact(detail: unknown): string {
  return JSON.stringify(detail, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    return value;
  });
}
