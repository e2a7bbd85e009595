/** Three drivers over memory ports on one manual clock. */

import { type NodeId, seededRandom } from "../../../../src/base/index.ts";
import {
  defaultDriverOptions,
  defaultRaftOptions,
  type Member,
  RaftNode,
  type RaftNodeOptions,
} from "../../../../src/consensus/index.ts";
import { LedgerMachine, type LedgerReply } from "../../../support/raft/ledger-machine.ts";
import {
  MemoryDisk,
  MemoryLog,
  MemoryNetwork,
  MemorySnapshots,
} from "../../../support/raft/memory-ports.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

export const member = (id: string): Member => ({ id: id as NodeId, address: `${id}:1` });

export interface Running {
  readonly id: NodeId;
  readonly node: RaftNode<LedgerReply>;
  readonly machine: LedgerMachine;
  readonly disk: MemoryDisk;
  readonly log: MemoryLog;
}

export class Group {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly logger = recordingLogger();
  readonly running = new Map<string, Running>();
  readonly #disks = new Map<string, MemoryDisk>();
  readonly #founders: readonly Member[];
  readonly #options: Partial<RaftNodeOptions>;
  #seed = 1;

  constructor(ids: readonly string[], options: Partial<RaftNodeOptions> = {}) {
    this.#founders = ids.map(member);
    this.#options = options;
  }

  async startAll(): Promise<this> {
    for (const { id } of this.#founders) await this.start(id);
    return this;
  }

  /** Starts it, again perhaps, over the disk it had; `fresh` ones wait to be added. A `machine` survived as well. */
  async start(id: string, fresh = false, machine = new LedgerMachine()): Promise<Running> {
    const disk = this.#disks.get(id) ?? new MemoryDisk();
    this.#disks.set(id, disk);
    const { clock, network, logger } = this;
    const log = new MemoryLog(clock, disk);
    const name = id as NodeId;
    const node = new RaftNode<LedgerReply>(
      {
        clock,
        random: seededRandom(this.#seed++),
        logger,
        log,
        snapshots: new MemorySnapshots(disk),
        transport: network.transport(name),
        leader: network.leaderPort(name),
        stateMachine: machine,
        defer: setImmediate,
      },
      {
        ...defaultDriverOptions,
        id: name,
        clusterId: "group",
        raft: defaultRaftOptions,
        founders: fresh ? null : this.#founders,
        ...this.#options,
      },
    );
    network.join(name, node);
    const starting = node.start();
    await clock.advance(5);
    const started = await starting;
    if (!started.ok) throw new Error(started.fault.message);
    const running = { id: name, node, machine, disk, log };
    this.running.set(id, running);
    return running;
  }

  get(id: string): Running {
    const running = this.running.get(id);
    if (running === undefined) throw new Error(`${id} does not run`);
    return running;
  }

  get leader(): Running | null {
    let leader: Running | null = null;
    for (const each of this.running.values()) {
      const status = each.node.status();
      if (status?.role !== "leader" || this.network.cut.has(each.id)) continue;
      if (leader === null || status.term > (leader.node.status()?.term ?? 0)) leader = each;
    }
    return leader;
  }

  /** Lets time pass in small steps until `look` gives something. */
  async until<Seen>(
    what: string,
    look: () => Seen | null | undefined | false,
    withinMs = 10_000,
  ): Promise<Seen> {
    for (let passedMs = 0; passedMs < withinMs; passedMs += 5) {
      const seen = look();
      if (seen !== null && seen !== undefined && seen !== false) return seen;
      await this.clock.advance(5);
    }
    throw new Error(`not within ${withinMs} ms: ${what}\n${this.logger.lines.join("\n")}`);
  }

  async elected(): Promise<Running> {
    const leader = await this.until("a leader", () => this.leader);
    await this.until("its first entry", () => (leader.node.status()?.commitIndex ?? 0) > 1);
    return leader;
  }

  async answer<Value>(promise: Promise<Value>, withinMs = 10_000): Promise<Value> {
    let answered: { readonly value: Value } | null = null;
    void promise.then((value) => {
      answered = { value };
    });
    return (await this.until("an answer", () => answered, withinMs)).value;
  }

  followers(): readonly Running[] {
    const { leader } = this;
    return [...this.running.values()].filter((each) => each !== leader);
  }
}
