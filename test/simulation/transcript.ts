/**
 * A group driven by hand, one command at a time, and what it says: so that the cases of the Raft
 * papers can be written down as texts that people read and tests replay. Nothing happens by
 * itself: time passes, messages arrive and disks sync when a command says so.
 */

import type { NodeId, Random } from "../../src/base/index.ts";
import {
  asTerm,
  bootstrapped,
  createRaft,
  defaultRaftOptions,
  type Effect,
  type Entry,
  type Member,
  type MemberChange,
  type Message,
  nothingRecovered,
  type RaftEvent,
  type RaftOptions,
  type RaftState,
  type Recovered,
  type SnapshotMeta,
  snapshotMeta,
  step,
} from "../../src/consensus/index.ts";
import { describeEffect, describeMessage, describeState } from "./transcript-words.ts";

interface HandDrivenNode {
  readonly id: NodeId;
  state: RaftState | null;
  /** What is on disk. */
  recovered: Recovered;
  writes: Extract<Effect, { kind: "persist" }>[];
  holdsWrites: boolean;
  snapshotBytes: Uint8Array;
}

/** Elections time out after exactly one election timeout unless a test ticks a node earlier. */
const noChance: Random = { uint32: () => 0 };

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);

export class Transcript {
  readonly #nodes = new Map<NodeId, HandDrivenNode>();
  readonly #cut = new Set<string>();
  #options: RaftOptions = { ...defaultRaftOptions, heartbeatMs: 100, electionTimeoutMs: 1000 };
  #wire: Message[] = [];
  #nowMs = 10_000;
  #requests = 0;
  #output: string[] = [];

  /** Carries out one command line and returns what happened, line by line. */
  run(line: string): string[] {
    this.#output = [];
    const [command = "", ...words] = line.trim().split(/\s+/);
    this.#carryOut(command, words);
    return this.#output;
  }

  #carryOut(command: string, words: readonly string[]): void {
    switch (command) {
      case "option":
        this.#setOption(words);
        break;
      case "group":
        this.#found(words as readonly NodeId[]);
        break;
      case "newcomer":
        for (const id of words) this.#add(id as NodeId, nothingRecovered);
        break;
      case "given":
        this.#given(words);
        break;
      case "pass":
        this.#nowMs += Number(words[0]);
        break;
      case "tick":
        for (const id of words) this.#feed(this.#node(id), { kind: "tick" });
        break;
      case "campaign":
        this.#nowMs += 2 * this.#options.electionTimeoutMs;
        this.#feed(this.#node(words[0]), { kind: "tick" });
        break;
      case "elect":
        this.#inShort(() => {
          this.#nowMs += 2 * this.#options.electionTimeoutMs;
          this.#feed(this.#node(words[0]), { kind: "tick" });
          this.#live(this.#options.heartbeatMs);
        });
        break;
      case "live":
        this.#inShort(() => this.#live(Number(words[0])));
        break;
      case "deliver":
        this.#deliver(words[0] === undefined ? 1_000 : Number(words[0]));
        break;
      case "drop":
        this.#drop(words[0] ?? "");
        break;
      case "cut":
        this.#cut.add(words[0] ?? "");
        break;
      case "isolate":
        this.#isolate(words[0] as NodeId);
        break;
      case "heal":
        this.#cut.clear();
        break;
      case "hold-disk":
        this.#node(words[0]).holdsWrites = true;
        break;
      case "sync-disk":
        this.#sync(this.#node(words[0]), Number(words[1] ?? 1_000));
        break;
      case "crash":
        this.#crash(this.#node(words[0]));
        break;
      case "restart":
        this.#start(this.#node(words[0]));
        break;
      case "damage":
        this.#damage(this.#node(words[0]), Number(words[1]), words[2] === "unreadable-end");
        break;
      case "status":
        for (const { id, state } of this.#nodes.values()) this.#say(describeState(id, state));
        break;
      default:
        this.#ask(command, words);
    }
  }

  /** Commands that become an event of one node. */
  #ask(command: string, [id, ...words]: readonly string[]): void {
    const node = this.#node(id);
    const request = ++this.#requests;
    switch (command) {
      case "propose":
        this.#feed(node, { kind: "propose", id: request, commands: words.map(bytesOf) });
        break;
      case "read":
        this.#feed(node, {
          kind: "read",
          id: request,
          mode: words[0] === "lease" ? "lease" : "linearizable",
        });
        break;
      case "transfer": {
        const target = (words[0] as NodeId | undefined) ?? null;
        this.#feed(node, { kind: "transfer-leadership", id: request, target });
        break;
      }
      case "change":
        this.#feed(node, { kind: "change-membership", id: request, changes: changesOf(words) });
        break;
      case "priority":
        this.#feed(node, { kind: "priority", priority: Number(words[0]) });
        break;
      case "disk-full":
        this.#feed(node, { kind: "disk-full", full: words[0] !== "no" });
        break;
      case "unreachable":
        this.#feed(node, { kind: "peer-unreachable", peer: words[0] as NodeId });
        break;
      case "snapshot":
        this.#takeSnapshot(node);
        break;
      case "foreign":
        this.#foreign(node, words);
        break;
      default:
        throw new Error(`no such command: ${command}`);
    }
  }

  #say(line: string): void {
    this.#output.push(line);
  }

  /** Says only who came to lead or follow whom: for what is not the point of a transcript. */
  #inShort(act: () => void): void {
    act();
    this.#output = this.#output.filter((line) => /^\w+ is (leader|follower of|removed)/.test(line));
  }

  /** Time passes in heartbeats: everybody ticks, everything arrives. */
  #live(forMs: number): void {
    for (let passedMs = 0; passedMs < forMs; passedMs += this.#options.heartbeatMs) {
      this.#deliver(1_000);
      this.#nowMs += this.#options.heartbeatMs;
      for (const node of this.#nodes.values()) this.#feed(node, { kind: "tick" });
    }
    this.#deliver(1_000);
  }

  #node(id: string | undefined): HandDrivenNode {
    const node = this.#nodes.get(id as NodeId);
    if (node === undefined) throw new Error(`no such node: ${id}`);
    return node;
  }

  #setOption([name, value]: readonly string[]): void {
    if (name === undefined || !(name in this.#options)) throw new Error(`no such option: ${name}`);
    this.#options = { ...this.#options, [name]: Number(value) };
  }

  #add(id: NodeId, recovered: Recovered): void {
    const node: HandDrivenNode = {
      id,
      state: null,
      recovered,
      writes: [],
      holdsWrites: false,
      snapshotBytes: new Uint8Array(),
    };
    this.#nodes.set(id, node);
    this.#start(node);
  }

  #found(ids: readonly NodeId[]): void {
    const founders = ids.map((id): Member => ({ id, address: `${id}:1` }));
    for (const id of ids) this.#add(id, bootstrapped(founders));
  }

  /**
   * `given n1 term 7 log 1 1 4`: its disk holds entries of these terms, the first the founding one.
   */
  #given([id, , term, , ...terms]: readonly string[]): void {
    const node = this.#node(id);
    const [founding] = node.recovered.entries;
    if (founding === undefined) throw new Error("only founders are given logs");
    const entries = terms.map((word, i): Entry => {
      if (i === 0) return founding;
      const entry = { index: i + 1, term: asTerm(Number(word)) };
      return { ...entry, kind: "command", command: bytesOf(`${word}.${i + 1}`) };
    });
    const hardState = { term: asTerm(Number(term)), votedFor: null, repair: null };
    node.recovered = { ...node.recovered, hardState, entries };
    this.#start(node);
  }

  #start(node: HandDrivenNode): void {
    const parts = { random: noChance, recovered: node.recovered };
    const identity = { id: node.id, clusterId: "transcript" };
    const created = createRaft(parts, identity, this.#options, this.#nowMs);
    if (!created.ok) throw new Error(created.fault.message);
    node.state = created.value;
    node.writes = [];
  }

  #crash(node: HandDrivenNode): void {
    node.state = null;
    node.writes = [];
    const applied = node.recovered.snapshot?.index ?? 0;
    node.recovered = { ...node.recovered, appliedIndex: applied };
  }

  /** The entry at `index` and all after it are unreadable. */
  #damage(node: HandDrivenNode, index: number, unreadableEnd: boolean): void {
    const { entries, hardState, base } = node.recovered;
    const last = base.index + entries.length;
    const repair = { term: hardState.term, lastIndex: unreadableEnd ? null : last };
    node.recovered = {
      ...node.recovered,
      entries: entries.slice(0, index - base.index - 1),
      hardState: { ...hardState, repair },
    };
  }

  #feed(node: HandDrivenNode, ...events: readonly RaftEvent[]): void {
    if (node.state === null) return;
    for (const effect of step(node.state, events, this.#nowMs)) {
      const words = describeEffect(effect);
      if (words !== null) this.#say(`${node.id} ${words}`);
      this.#follow(node, effect);
    }
  }

  #follow(node: HandDrivenNode, effect: Effect): void {
    switch (effect.kind) {
      case "send":
        this.#wire.push(effect.message);
        break;
      case "persist":
        node.writes.push(effect);
        if (!node.holdsWrites) this.#sync(node, 1_000);
        break;
      case "apply":
        this.#feed(node, { kind: "applied", index: effect.entries.at(-1)?.index ?? 0 });
        break;
      case "read-snapshot-chunk": {
        const { peer, index, offset, maxBytes } = effect;
        const bytes = node.snapshotBytes.slice(offset, offset + maxBytes);
        const chunk = { bytes, done: offset + maxBytes >= node.snapshotBytes.length };
        this.#feed(node, { kind: "snapshot-chunk-read", peer, index, offset, chunk });
        break;
      }
      case "write-snapshot-chunk": {
        const { index, offset, bytes } = effect;
        const before = [...node.snapshotBytes.slice(0, offset)];
        node.snapshotBytes = Uint8Array.from([...before, ...bytes]);
        this.#feed(node, { kind: "snapshot-chunk-written", index, offset });
        break;
      }
      case "install-snapshot":
        this.#install(node, effect.snapshot);
        break;
      case "compact":
        this.#compact(node, effect);
        break;
      default:
        break;
    }
  }

  /** Confirms the oldest writes; when none is left, the disk keeps pace again. */
  #sync(node: HandDrivenNode, count: number): void {
    const writes = node.writes.splice(0, count);
    if (node.writes.length === 0) node.holdsWrites = false;
    for (const { hardState, entries } of writes) {
      const first = entries[0]?.index ?? Number.POSITIVE_INFINITY;
      const { recovered } = node;
      const kept = recovered.entries.filter(({ index }) => index < first);
      node.recovered = {
        ...recovered,
        hardState: hardState ?? recovered.hardState,
        entries: [...kept, ...entries],
      };
    }
    const token = writes.at(-1)?.token;
    if (token !== undefined) this.#feed(node, { kind: "persisted", token });
  }

  #takeSnapshot(node: HandDrivenNode): void {
    const snapshot = node.state === null ? null : snapshotMeta(node.state);
    if (snapshot === null) throw new Error(`${node.id} has nothing to take a snapshot of`);
    node.snapshotBytes = bytesOf(`state at ${snapshot.index}`);
    this.#feed(node, { kind: "snapshot-taken", snapshot });
  }

  #install(node: HandDrivenNode, snapshot: SnapshotMeta): void {
    this.#say(`${node.id} installs "${textOf(node.snapshotBytes)}"`);
    const { hardState } = node.recovered;
    const { index } = snapshot;
    node.recovered = { hardState, snapshot, base: snapshot, entries: [], appliedIndex: index };
    this.#feed(node, { kind: "snapshot-installed", index, sound: true });
  }

  #compact(node: HandDrivenNode, effect: Extract<Effect, { kind: "compact" }>): void {
    const { snapshot, upTo } = effect;
    const entries = node.recovered.entries.filter(({ index }) => index > upTo.index);
    const appliedIndex = Math.max(node.recovered.appliedIndex, snapshot.index);
    node.recovered = { ...node.recovered, snapshot, base: upTo, entries, appliedIndex };
  }

  /** What is on the wire arrives, then what that leads to, for at most so many rounds. */
  #deliver(rounds: number): void {
    for (let round = 0; round < rounds && this.#wire.length > 0; round++) {
      const arriving = this.#wire;
      this.#wire = [];
      for (const message of arriving) {
        if (this.#cut.has(`${message.from}>${message.to}`)) continue;
        this.#say(describeMessage(message));
        const node = this.#nodes.get(message.to);
        if (node !== undefined) this.#feed(node, { kind: "message", message });
      }
    }
  }

  /** `drop n1>n2`, or all with `drop all`. */
  #drop(direction: string): void {
    const lost = ({ from, to }: Message) => direction === "all" || direction === `${from}>${to}`;
    for (const message of this.#wire.filter(lost)) this.#say(`lost: ${describeMessage(message)}`);
    this.#wire = this.#wire.filter((message) => !lost(message));
  }

  #isolate(id: NodeId): void {
    for (const other of this.#nodes.keys()) {
      this.#cut.add(`${id}>${other}`);
      this.#cut.add(`${other}>${id}`);
    }
  }

  /** `foreign n2 from n1 cluster other` or `version 99`: a vote request that must not count. */
  #foreign(node: HandDrivenNode, [, from, what, value]: readonly string[]): void {
    const message: Message = {
      clusterId: what === "cluster" ? (value ?? "") : "transcript",
      protocolVersion: what === "version" ? Number(value) : 1,
      from: from as NodeId,
      to: node.id,
      term: asTerm(99),
      kind: "vote-request",
      last: { index: 99, term: asTerm(99) },
      transfer: true,
    };
    this.#feed(node, { kind: "message", message });
    this.#say(`${node.id} has refused ${node.state?.counters.foreignMessages} foreign messages`);
  }
}

/** `add n4`, `add-and-promote n4`, `promote n4`, `demote n2`, `remove n3`, several in one line. */
function changesOf(words: readonly string[]): MemberChange[] {
  const changes: MemberChange[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) {
    const kind = words[i];
    const id = words[i + 1] as NodeId;
    if (kind === "add" || kind === "add-and-promote") {
      const member = { id, address: `${id}:1` };
      changes.push({ kind: "add-learner", member, promote: kind !== "add" });
    } else if (kind === "promote" || kind === "demote" || kind === "remove") {
      changes.push({ kind, id });
    } else throw new Error(`no such change: ${kind}`);
  }
  return changes;
}
