/** The ports of a Raft node in memory: a disk that survives its node, and a network to cut. */

import {
  type Clock,
  failed,
  fault,
  type NodeId,
  ok,
  type Result,
} from "../../../src/base/index.ts";
import {
  type Entry,
  type HardState,
  type LeaderPort,
  type LogPosition,
  type LogWrite,
  type Message,
  nothingRecovered,
  type PeerHandlers,
  type PeerTransport,
  type RaftLog,
  type RaftNode,
  type RecoveredLog,
  type SnapshotMeta,
  type SnapshotStore,
} from "../../../src/consensus/index.ts";

/** What is on disk; a new `MemoryLog` over the same one is a restart. */
export class MemoryDisk {
  hardState: HardState = nothingRecovered.hardState;
  base: LogPosition = nothingRecovered.base;
  entries: Entry[] = [];
  snapshot: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | null = null;
  /** What a write waits before it is durable. */
  writeMs = 0;
  /** While set, writes hang. */
  stuck = false;
  /** While set, writes fail. */
  broken = false;
}

export class MemoryLog implements RaftLog {
  readonly #clock: Clock;
  readonly #disk: MemoryDisk;
  #tail: Promise<void> = Promise.resolve();
  #listener: (full: boolean) => void = () => {};
  #stopped = false;

  constructor(clock: Clock, disk: MemoryDisk) {
    this.#clock = clock;
    this.#disk = disk;
  }

  async recover(snapshot: SnapshotMeta | null): Promise<Result<RecoveredLog>> {
    const disk = this.#disk;
    if (snapshot !== null) {
      const held = disk.entries.find(({ index }) => index === snapshot.index);
      const holds = held?.term === snapshot.term || disk.base.index === snapshot.index;
      if (!holds && disk.base.index < snapshot.index) this.#resetTo(snapshot);
    }
    const { hardState, base, entries } = disk;
    return ok({ hardState, base, entries: [...entries] });
  }

  write({ hardState, entries }: LogWrite): Promise<void> {
    return this.#inOrder(() => {
      const disk = this.#disk;
      if (hardState !== null) disk.hardState = hardState;
      const [first] = entries;
      if (first === undefined) return;
      disk.entries.length = Math.max(0, first.index - disk.base.index - 1);
      disk.entries.push(...entries);
    });
  }

  compact(upTo: LogPosition): Promise<void> {
    return this.#inOrder(() => {
      const disk = this.#disk;
      disk.entries = disk.entries.filter(({ index }) => index > upTo.index);
      disk.base = { index: upTo.index, term: upTo.term };
    });
  }

  reset(snapshot: SnapshotMeta): Promise<void> {
    return this.#inOrder(() => this.#resetTo(snapshot));
  }

  onFull(listener: (full: boolean) => void): void {
    this.#listener = listener;
  }

  tellFull(full: boolean): void {
    this.#listener(full);
  }

  /** What waits for a disk that hangs is given up, as by a real log whose disk is full. */
  async stop(): Promise<void> {
    this.#stopped = true;
  }

  #resetTo({ index, term }: SnapshotMeta): void {
    this.#disk.entries = [];
    this.#disk.base = { index, term };
  }

  #inOrder(work: () => void): Promise<void> {
    const done = this.#tail.then(async () => {
      do await this.#clock.sleep(this.#disk.writeMs);
      while (this.#disk.stuck && !this.#stopped);
      if (this.#disk.stuck) throw new Error("the log is stopped");
      if (this.#disk.broken) throw new Error("EIO: i/o error, fdatasync");
      work();
    });
    // The driver hears of the failure by its own write.
    this.#tail = done.catch(() => {});
    return done;
  }
}

export class MemorySnapshots implements SnapshotStore {
  readonly #disk: MemoryDisk;
  #incoming: Uint8Array[] = [];

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  latest(): SnapshotMeta | null {
    return this.#disk.snapshot?.meta ?? null;
  }

  async save(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>) {
    const parts: Uint8Array[] = [];
    try {
      for await (const chunk of chunks) parts.push(chunk);
    } catch {
      return failed(fault("E_SNAPSHOT_WRITE", "broken off"));
    }
    this.#disk.snapshot = { meta, bytes: new Uint8Array(Buffer.concat(parts)) };
    return ok(meta);
  }

  async *read(): AsyncIterable<Uint8Array> {
    const stored = this.#disk.snapshot;
    if (stored !== null) yield stored.bytes;
  }

  async readChunk(index: number, offset: number, maxBytes: number) {
    const stored = this.#disk.snapshot;
    if (stored === null || stored.meta.index !== index) return null;
    const bytes = stored.bytes.slice(offset, offset + maxBytes);
    return { bytes, done: offset + maxBytes >= stored.bytes.length };
  }

  async writeChunk(_index: number, offset: number, bytes: Uint8Array): Promise<void> {
    if (offset === 0) this.#incoming = [];
    this.#incoming.push(bytes);
  }

  onDamaged(): void {}

  async install(meta: SnapshotMeta): Promise<boolean> {
    this.#disk.snapshot = { meta, bytes: new Uint8Array(Buffer.concat(this.#incoming)) };
    return true;
  }
}

type Asked = Pick<RaftNode<unknown>, "accept" | "changeMembership" | "transferLeadership">;

/** Delivers after `delayMs`; a node can be cut off, in both directions. */
export class MemoryNetwork {
  readonly cut = new Set<string>();
  delayMs = 1;
  readonly #clock: Clock;
  readonly #handlers = new Map<string, PeerHandlers>();
  readonly #nodes = new Map<string, Asked>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  transport(id: NodeId): PeerTransport {
    return {
      start: async (handlers) => void this.#handlers.set(id, handlers),
      setPeers() {},
      send: (messages) => {
        for (const message of messages) void this.#deliver(message);
      },
      stop: async () => void this.#handlers.delete(id),
    };
  }

  join(id: NodeId, node: Asked): void {
    this.#nodes.set(id, node);
  }

  leaderPort(from: NodeId): LeaderPort {
    const ask = async <Value>(
      to: NodeId,
      signal: AbortSignal,
      call: (node: Asked) => Promise<Result<Value>>,
    ): Promise<Result<Value>> => {
      const node = this.#nodes.get(to);
      await this.#clock.sleep(this.delayMs, signal);
      if (node === undefined || this.#isCut(from, to)) {
        return failed(fault("E_PEER_UNREACHABLE", `${to} is not there`));
      }
      const answer = await call(node);
      await this.#clock.sleep(this.delayMs, signal);
      if (signal.aborted || this.#isCut(from, to)) {
        return failed(fault("E_OUTCOME_UNKNOWN", "no answer came"));
      }
      return answer;
    };
    return {
      propose: ({ id }, commands, signal) => ask(id, signal, (node) => node.accept(commands)),
      changeMembership: ({ id }, changes, signal) =>
        ask(id, signal, (node) => node.changeMembership(changes, signal)),
      transferLeadership: ({ id }, target, signal) =>
        ask(id, signal, (node) => node.transferLeadership(target, signal)),
    };
  }

  #isCut(one: string, other: string): boolean {
    return this.cut.has(one) || this.cut.has(other);
  }

  async #deliver(message: Message): Promise<void> {
    await this.#clock.sleep(this.delayMs);
    if (this.#isCut(message.from, message.to)) return;
    this.#handlers.get(message.to)?.onMessage(message);
  }
}
