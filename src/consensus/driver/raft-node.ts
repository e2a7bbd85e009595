/**
 * One member of a group, running: turns ports into events and carries out effects. All that happens
 * within one turn of the event loop goes into one step, so that it shares a disk write and a message
 * per peer. What it promises its callers stands in `driver-faults.ts`: every failure but
 * E_OUTCOME_UNKNOWN means that nothing was done.
 */

import {
  type Clock,
  type Fault,
  failed,
  fault,
  type Logger,
  type NodeId,
  ok,
  type Random,
  type Result,
  unreachable,
} from "../../base/index.ts";
import type { Effect } from "../effect.ts";
import type { RaftEvent, RequestId } from "../event.ts";
import type { Accepted, LeaderPort } from "../leader-port.ts";
import { type Member, type MemberChange, type Membership, membersOf } from "../membership.ts";
import type { Message, ReadMode, SnapshotMeta } from "../message.ts";
import type { RaftOptions } from "../options.ts";
import type { PeerTransport } from "../peer-transport.ts";
import type { RaftLog } from "../raft-log.ts";
import { snapshotMeta } from "../snapshot-sending.ts";
import type { SnapshotStore } from "../snapshot-store.ts";
import { leaderIdOf, type RaftState } from "../state.ts";
import type { StateMachine } from "../state-machine.ts";
import { type RaftStatus, statusOf } from "../status.ts";
import { nextWakeMs, step } from "../step.ts";
import { AwaitedEntries } from "./awaited-entries.ts";
import { DiskWork } from "./disk-work.ts";
import { stopping } from "./driver-faults.ts";
import type { DriverOptions } from "./driver-options.ts";
import { MachineWork } from "./machine-work.ts";
import { Orders } from "./orders.ts";
import { Proposals, type Route } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { recover } from "./recover.ts";
import { WakeTimer } from "./wake-timer.ts";

export interface RaftNodeParts<Reply> {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly log: RaftLog;
  readonly snapshots: SnapshotStore;
  readonly transport: PeerTransport;
  readonly leader: LeaderPort;
  readonly stateMachine: StateMachine<Reply>;
  /** Runs it when this turn of the event loop is over (setImmediate). */
  readonly defer: (run: () => void) => void;
  /** A disk write was confirmed, so long after it was asked for. */
  readonly onPersisted?: (tookMs: number) => void;
}

export interface RaftNodeOptions extends DriverOptions {
  readonly id: NodeId;
  readonly clusterId: string;
  readonly raft: RaftOptions;
  /** Of a new group, and the same on each; null to be added to one, and after the first start. */
  readonly founders: readonly Member[] | null;
}

/** Why a node does not run any more. */
export type RaftEnd =
  | { readonly kind: "stopped" }
  /** The group has agreed to go on without it. */
  | { readonly kind: "removed" }
  /** It must not go on; the process has to end. */
  | { readonly kind: "failed"; readonly fault: Fault };

export interface DriverStatus extends RaftStatus {
  /** Commands that wait here, agreed on or not. */
  readonly pendingCommands: number;
  /** Disk writes that are not confirmed. */
  readonly diskQueue: number;
  readonly droppedMessages: number;
}

export class RaftNode<Reply> {
  /** Resolves, never rejects, when the node does not run any more. */
  readonly ended: Promise<RaftEnd>;
  readonly #parts: RaftNodeParts<Reply>;
  readonly #options: RaftNodeOptions;
  readonly #end: (end: RaftEnd) => void;
  readonly #timer: WakeTimer;
  readonly #life = new AbortController();
  #running: Running<Reply> | null = null;
  #inbox: RaftEvent[] = [];
  #turnPlanned = false;
  #lastId = 0;
  #nextCheckMs = Number.POSITIVE_INFINITY;
  #droppedMessages = 0;
  #closed: Fault | null = null;
  #stopped: Promise<void> | null = null;

  constructor(parts: RaftNodeParts<Reply>, options: RaftNodeOptions) {
    this.#parts = parts;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<RaftEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#timer = new WakeTimer({ clock: parts.clock, onDue: () => this.#plan() });
  }

  /** Recovers and takes part. Faults: those of `recover`. */
  async start(): Promise<Result<void>> {
    const { id, clusterId, raft, founders } = this.#options;
    const { transport } = this.#parts;
    const { signal } = this.#life;
    const identity = { id, clusterId };
    const recovered = await recover(this.#parts, identity, raft, founders, signal);
    if (!recovered.ok) return recovered;
    const state = recovered.value;
    this.#running = this.#assemble(state);
    await transport.start({
      onMessage: (message) => this.#onMessage(message),
      onUnreachable: (peer) => this.#feed({ kind: "peer-unreachable", peer }),
    });
    // It is gone: a newer one has to take its place.
    this.#parts.snapshots.onDamaged(() => {
      this.#running?.machine.wantSnapshot();
      this.#plan();
    });
    this.#parts.log.onFull((full) => this.#feed({ kind: "disk-full", full }));
    this.#connect(state.memberships.latest.membership);
    this.#plan();
    return ok(undefined);
  }

  /** Resolves once it is agreed on and applied here. */
  async propose(command: Uint8Array, signal?: AbortSignal): Promise<Result<Reply>> {
    const replies = await this.proposeAll([command], signal);
    return replies.ok ? ok(replies.value[0] as Reply) : replies;
  }

  /** As neighbours in the log; not all or nothing, should a leader fall in between. */
  async proposeAll(
    commands: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Result<readonly Reply[]>> {
    const running = this.#open();
    return running.ok ? running.value.proposals.propose(commands, signal) : running;
  }

  /** For followers that forward: answers the place in the log, before it is agreed on. */
  async accept(commands: readonly Uint8Array[]): Promise<Result<Accepted>> {
    const running = this.#open();
    if (!running.ok) return running;
    const id = this.#nextId();
    return new Promise((resolve) => {
      running.value.forwarded.set(id, resolve);
      this.#feed({ kind: "propose", id, commands });
    });
  }

  /** Resolves when the local state machine may be read. */
  async read(mode: ReadMode, signal?: AbortSignal): Promise<Result<void>> {
    const running = this.#open();
    return running.ok ? running.value.reads.read(mode, signal) : running;
  }

  async changeMembership(
    changes: readonly MemberChange[],
    signal?: AbortSignal,
  ): Promise<Result<void>> {
    const running = this.#open();
    return running.ok ? running.value.orders.changeMembership(changes, signal) : running;
  }

  /** Null leaves the choice to the leader. Resolves once another node leads. */
  async transferLeadership(target: NodeId | null, signal?: AbortSignal): Promise<Result<void>> {
    const running = this.#open();
    return running.ok ? running.value.orders.transferLeadership(target, signal) : running;
  }

  /** How willing this node is to lead, 0 to 100. */
  setPriority(priority: number): void {
    this.#feed({ kind: "priority", priority });
  }

  /** Null before the start. */
  status(): DriverStatus | null {
    if (this.#running === null) return null;
    const { state, proposals, disk } = this.#running;
    return {
      ...statusOf(state),
      pendingCommands: proposals.pending,
      diskQueue: disk.queueDepth,
      droppedMessages: this.#droppedMessages,
    };
  }

  /** Hands leadership over, then stops; what still waits is told so. Never throws. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopGracefully();
    return this.#stopped;
  }

  async #stopGracefully(): Promise<void> {
    const running = this.#running;
    if (running !== null && this.#closed === null) await this.#handOver(running);
    await this.#shutDown(stopping, { kind: "stopped" });
  }

  async #handOver({ state, orders }: Running<Reply>): Promise<void> {
    const { voters } = state.memberships.latest.membership;
    const others = voters.some(({ id }) => id !== state.id);
    if (state.role.kind !== "leader" || !others) return;
    const { clock, logger } = this.#parts;
    const enough = new AbortController();
    void clock.sleep(this.#options.handOverMs, enough.signal).then(() => enough.abort());
    const handed = await orders.transferLeadership(null, enough.signal);
    // Its successor may need this node's vote: stay until it has won.
    while (handed.ok && leaderIdOf(state) === null && !enough.signal.aborted) {
      await clock.sleep(this.#options.retryPauseMs / 5, enough.signal);
    }
    enough.abort();
    if (!handed.ok) logger.info("leadership was not handed over", { ...handed.fault });
  }

  async #shutDown(reason: Fault, end: RaftEnd): Promise<void> {
    if (this.#closed === null) this.#close(reason);
    const { transport, log } = this.#parts;
    await this.#running?.machine.stop();
    // Together: what waits for room on a full disk ends only when the log does.
    await Promise.all([this.#running?.disk.stop(), log.stop()]);
    await transport.stop();
    this.#end(end);
  }

  /** From here on nothing more is taken, and nothing more happens. */
  #close(reason: Fault): void {
    this.#closed = reason;
    this.#timer.cancel();
    this.#life.abort();
    const running = this.#running;
    if (running === null) return;
    running.proposals.close(reason);
    running.reads.close(reason);
    running.orders.close();
    for (const resolve of running.forwarded.values()) resolve(failed(reason));
    running.forwarded.clear();
  }

  #fail(reason: Fault): void {
    if (this.#closed !== null) return;
    this.#parts.logger.error(reason.message, { ...reason });
    this.#stopped ??= this.#shutDown(reason, { kind: "failed", fault: reason });
  }

  #assemble(state: RaftState): Running<Reply> {
    const { clock, leader } = this.#parts;
    const awaited = new AwaitedEntries<Reply>(state.appliedIndex);
    const wake = () => this.#plan();
    const feed = (event: RaftEvent) => this.#feed(event);
    const fail = (reason: Fault) => this.#fail(reason);
    const onPersisted = this.#parts.onPersisted ?? (() => {});
    const base = { ...this.#parts, feed, fail };
    const route = () => routeOf(state);
    const nextId = () => this.#nextId();
    return {
      state,
      awaited,
      forwarded: new Map(),
      proposals: new Proposals({ clock, awaited, leader, wake }, this.#options),
      reads: new Reads({ clock, wake }, this.#options),
      orders: new Orders({ clock, awaited, leader, route, feed, nextId }, this.#options),
      disk: new DiskWork({ ...base, onPersisted }, this.#options),
      machine: new MachineWork(
        {
          ...base,
          onApplied: (entries, replies) => awaited.onApplied(entries, replies),
          snapshotMeta: () => snapshotMeta(state),
        },
        this.#options,
      ),
    };
  }

  #open(): Result<Running<Reply>> {
    const running = this.#running;
    const reason = this.#closed ?? (this.#stopped === null ? null : stopping);
    if (running === null || reason !== null) return failed(reason ?? notStarted);
    return ok(running);
  }

  #nextId(): RequestId {
    return ++this.#lastId;
  }

  #onMessage(message: Message): void {
    if (this.#inbox.length < this.#options.maxInboxMessages) {
      this.#feed({ kind: "message", message });
    } else this.#droppedMessages++;
  }

  #feed(event: RaftEvent): void {
    if (this.#closed !== null) return;
    this.#inbox.push(event);
    this.#plan();
  }

  #plan(): void {
    if (this.#turnPlanned || this.#running === null || this.#closed !== null) return;
    this.#turnPlanned = true;
    this.#parts.defer(() => {
      this.#turnPlanned = false;
      if (this.#running !== null && this.#closed === null) this.#turn(this.#running);
    });
  }

  #turn(running: Running<Reply>): void {
    const { state, proposals, reads } = running;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs >= this.#nextCheckMs) {
      this.#nextCheckMs = Number.POSITIVE_INFINITY;
      proposals.check(nowMs);
      reads.check(nowMs);
    }
    const events = this.#inbox;
    this.#inbox = [];
    const nextId = () => this.#nextId();
    for (const event of proposals.offer(routeOf(state), nextId)) events.push(event);
    for (const event of reads.offer(nextId)) events.push(event);
    if (nextWakeMs(state) <= nowMs) events.push({ kind: "tick" });
    this.#carryOut(running, step(state, events, nowMs));
    if (this.#closed !== null) return;
    if (proposals.pending + reads.pending > 0) {
      this.#nextCheckMs = Math.min(this.#nextCheckMs, nowMs + this.#options.retryPauseMs);
    }
    this.#timer.armFor(Math.min(nextWakeMs(state), this.#nextCheckMs));
  }

  #carryOut(running: Running<Reply>, effects: readonly Effect[]): void {
    const messages: Message[] = [];
    let removed = false;
    for (const effect of effects) {
      if (effect.kind === "send") messages.push(effect.message);
      else if (effect.kind === "removed") removed = true;
      else if (effect.kind !== "apply") this.#act(running, effect);
    }
    if (messages.length > 0) this.#parts.transport.send(messages);
    // Between two batches, where core and state machine agree.
    running.machine.takeWantedSnapshot();
    for (const effect of effects) {
      if (effect.kind === "apply") running.machine.apply(effect.entries);
    }
    if (removed) void this.#leave();
  }

  #act(
    running: Running<Reply>,
    effect: Exclude<Effect, { readonly kind: "send" | "removed" | "apply" }>,
  ): void {
    const { disk, machine, proposals, reads, orders, forwarded } = running;
    switch (effect.kind) {
      case "persist":
        disk.persist(effect);
        break;
      case "compact":
        disk.compact(effect);
        break;
      case "snapshot-wanted":
        machine.wantSnapshot();
        break;
      case "read-snapshot-chunk":
        void disk.readChunk(effect);
        break;
      case "write-snapshot-chunk":
        void disk.writeChunk(effect);
        break;
      case "install-snapshot":
        void this.#install(running, effect.snapshot);
        break;
      case "accepted": {
        if (proposals.onAccepted(effect.id, effect)) break;
        if (orders.onAccepted(effect.id, effect)) break;
        const { term, firstIndex, count } = effect;
        forwarded.get(effect.id)?.(ok({ term, firstIndex, count }));
        forwarded.delete(effect.id);
        break;
      }
      case "refused":
        if (proposals.onRefused(effect.id, effect.fault)) break;
        if (reads.onRefused(effect.id, effect.fault)) break;
        if (orders.onRefused(effect.id, effect.fault)) break;
        forwarded.get(effect.id)?.(failed(effect.fault));
        forwarded.delete(effect.id);
        break;
      case "read-ready":
        reads.onReady(effect.id);
        break;
      case "transfer-started":
        orders.onStarted(effect.id);
        break;
      case "role-changed":
        this.#onRole(running, effect);
        break;
      case "membership-changed":
        this.#connect(effect.membership);
        break;
      case "halt":
        this.#fail(effect.fault);
        break;
      default:
        unreachable(effect);
    }
  }

  #onRole(
    { proposals, reads }: Running<Reply>,
    { role, term, leaderId }: Extract<Effect, { readonly kind: "role-changed" }>,
  ): void {
    this.#parts.logger.info(`${role} in term ${term}`, { role, term, leader: leaderId });
    if (leaderId === null) return;
    proposals.onRoute();
    reads.onRoute();
  }

  async #install(running: Running<Reply>, snapshot: SnapshotMeta): Promise<void> {
    const { disk, machine, awaited } = running;
    const { index } = snapshot;
    const installed = await disk.install(snapshot, machine.quiesce());
    const sound = installed && (await machine.restore(snapshot));
    if (sound) {
      awaited.onRestored(index);
      this.#parts.logger.info("caught up by a snapshot", { index });
    }
    this.#feed({ kind: "snapshot-installed", index, sound });
  }

  /** The messages of the last step may be what hands leadership over: they get a moment to go. */
  async #leave(): Promise<void> {
    const { clock, logger } = this.#parts;
    logger.warn("the group has removed this node");
    await clock.sleep(this.#options.raft.heartbeatMs);
    this.#stopped ??= this.#shutDown(removedFromGroup, { kind: "removed" });
  }

  #connect(membership: Membership): void {
    const { id } = this.#options;
    this.#parts.transport.setPeers(membersOf(membership).filter((member) => member.id !== id));
  }
}

interface Running<Reply> {
  readonly state: RaftState;
  readonly awaited: AwaitedEntries<Reply>;
  readonly proposals: Proposals<Reply>;
  readonly reads: Reads;
  readonly orders: Orders<Reply>;
  readonly disk: DiskWork;
  readonly machine: MachineWork<Reply>;
  /** Proposals of followers, until they have a place in the log. */
  readonly forwarded: Map<RequestId, (answer: Result<Accepted>) => void>;
}

const notStarted = fault("E_NOT_STARTED", "the node has not started yet", "ask again in a moment");
const removedFromGroup = fault("E_REMOVED", "the group has removed this node");

function routeOf(state: RaftState): Route {
  if (state.role.kind === "leader") return { kind: "here" };
  const leaderId = leaderIdOf(state);
  if (leaderId === null) return { kind: "nobody" };
  const members = membersOf(state.memberships.latest.membership);
  const leader = members.find(({ id }) => id === leaderId);
  return leader === undefined ? { kind: "nobody" } : { kind: "leader", leader };
}
