/**
 * This node's part in its group, from the first start on: founds one, asks to be admitted to one, or
 * takes up the one it belongs to; says how it is, and carries out what operators ask of the group.
 * Trouble with the log degrades the node, which goes on watching and healing by itself.
 */

import { join } from "node:path";
import {
  type Fault,
  failed,
  fault,
  type Health,
  type NodeId,
  ok,
  type Result,
  timeOrderedId,
} from "../../base/index.ts";
import { type NodeConfig, writeHostPort } from "../../config/index.ts";
import {
  type DriverStatus,
  defaultRaftOptions,
  type Member,
  type MemberChange,
  membersOf,
  type RaftNode,
} from "../../consensus/index.ts";
import {
  type FolderLock,
  lockFolder,
  readIdentity,
  type StoredIdentity,
  writeIdentity,
} from "../../consensus/io/index.ts";
import { seekAdmission } from "./admission.ts";
import {
  decisiveFaults,
  joinAgain,
  portRequired,
  removed,
  renamed,
  unavailable,
} from "./agreement-faults.ts";
import { agreementHealth } from "./agreement-health.ts";
import type { AgreementPhase } from "./agreement-phase.ts";
import { type MemberParts, type OpenedMember, openMember } from "./open-member.ts";
import { openMemberClient, peerSecurity } from "./peer-port.ts";
import { removedMeanwhile } from "./removal-check.ts";

/** A board's flash is small; a group that writes much gets by with more files. */
export const segmentBytes = 4 << 20;

/** The peer address of a node that has none: nobody connects to it. */
export const nowhere = "127.0.0.1:8482";

export class Agreement<Reply> {
  /** Resolves when the process has to end: removed, or the disk failed. */
  readonly ended: Promise<Fault>;
  readonly #config: NodeConfig;
  readonly #parts: MemberParts<Reply>;
  readonly #folder: string;
  readonly #life = new AbortController();
  readonly #end: (reason: Fault) => void;
  #identity: StoredIdentity | null = null;
  #phase: AgreementPhase = { kind: "joining", lastRefusal: null };
  #member: OpenedMember<Reply> | null = null;
  #lock: FolderLock | null = null;
  #background: Promise<void> = Promise.resolve();
  /** Peer addresses, while it seeks admission. */
  #asked: readonly string[] = [];
  #leaderSeenMs: number;
  #priority = 100;

  constructor(parts: MemberParts<Reply>, config: NodeConfig) {
    this.#parts = parts;
    this.#config = config;
    this.#folder = join(config.dataDir, "raft");
    this.#leaderSeenMs = parts.clock.monotonicMs();
    const { promise, resolve } = Promise.withResolvers<Fault>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** Faults: the decisive ones; with any other the node goes on without its group. */
  async start(): Promise<Result<null>> {
    const begun = await this.#begin();
    if (begun.ok) return begun;
    if (decisiveFaults.has(begun.fault.code)) return begun;
    this.#parts.logger.error("this node takes no part in its group", { ...begun.fault });
    this.#phase = { kind: "unusable", fault: begun.fault };
    return ok(null);
  }

  get phase(): AgreementPhase {
    return this.#phase;
  }

  get clusterId(): string | null {
    return this.#identity?.clusterId ?? null;
  }

  /** Null while it takes no part. */
  get driver(): RaftNode<Reply> | null {
    return this.#member?.node ?? null;
  }

  status(): DriverStatus | null {
    return this.#member?.node.status() ?? null;
  }

  /** Plaintext that leaves this machine. */
  get insecure(): boolean {
    return this.#member?.peers?.status().insecure ?? false;
  }

  peers() {
    return this.#member?.peers?.status().peers ?? [];
  }

  health(): Health {
    const status = this.status();
    const nowMs = this.#parts.clock.monotonicMs();
    if (status?.leaderId != null) this.#leaderSeenMs = nowMs;
    return agreementHealth({
      phase: this.#phase,
      asked: this.#asked,
      status,
      leaderlessMs: nowMs - this.#leaderSeenMs,
      insecure: this.insecure,
      peers: this.peers(),
    });
  }

  async change(changes: readonly MemberChange[], signal?: AbortSignal): Promise<Result<void>> {
    const driver = this.#usable();
    return driver.ok ? driver.value.changeMembership(changes, signal) : driver;
  }

  async transfer(target: NodeId | null, signal?: AbortSignal): Promise<Result<void>> {
    const driver = this.#usable();
    return driver.ok ? driver.value.transferLeadership(target, signal) : driver;
  }

  /** In the words of the state that is agreed on; answered by another member that leads. */
  async askLeader(question: Uint8Array, signal: AbortSignal): Promise<Result<Uint8Array>> {
    const usable = this.#usable();
    if (!usable.ok) return usable;
    return this.#member?.askLeader(question, signal) ?? failed(unavailable("no member"));
  }

  /** How willing this node is to lead; kept over what it goes through. */
  setPriority(priority: number): void {
    if (priority === this.#priority) return;
    this.#priority = priority;
    this.#member?.node.setPriority(priority);
  }

  async stop(): Promise<void> {
    this.#life.abort();
    await this.#background;
    await this.#member?.stop();
    await this.#lock?.release();
  }

  #usable(): Result<RaftNode<Reply>> {
    if (this.#member !== null) return ok(this.#member.node);
    const phase = this.#phase;
    if (phase.kind === "unusable") return failed(unavailable(phase.fault.message));
    return failed(unavailable("it has not been admitted to its group yet"));
  }

  async #begin(): Promise<Result<null>> {
    const lock = await lockFolder(this.#folder, this.#parts);
    if (!lock.ok) return lock;
    this.#lock = lock.value;
    const stored = await readIdentity(this.#folder);
    if (!stored.ok) return stored;
    const identity = stored.value;
    const { cluster, nodeId } = this.#config;
    if (identity?.standing === "removed") return failed(removed(this.#folder));
    if (identity !== null && identity.nodeId !== nodeId) return failed(renamed(identity, nodeId));
    if (identity === null && cluster.join.length === 0) return this.#found();
    if (identity === null || identity.standing === "joining") return this.#join(identity);
    if (cluster.join.length > 0) {
      this.#parts.logger.warn("--join is ignored: this node is a member already", {
        cluster: identity.clusterId,
      });
    }
    this.#identity = identity;
    return this.#open(identity.standing === "founding" ? [this.#self()] : null);
  }

  #self(): Member {
    const { peer, advertise } = this.#config.cluster;
    const at = advertise ?? peer;
    return { id: this.#config.nodeId, address: at === null ? nowhere : writeHostPort(at) };
  }

  async #found(): Promise<Result<null>> {
    const { clock, random, logger } = this.#parts;
    const clusterId = timeOrderedId(clock.wallMs(), random);
    this.#identity = { clusterId, nodeId: this.#config.nodeId, standing: "founding" };
    const written = await writeIdentity(this.#folder, this.#identity);
    if (!written.ok) return written;
    logger.info("founds a group of its own", { cluster: clusterId });
    return this.#open([this.#self()]);
  }

  async #join(earlier: StoredIdentity | null): Promise<Result<null>> {
    const { cluster, nodeId } = this.#config;
    const ask = [...new Set([...cluster.join.map(writeHostPort), ...(earlier?.asked ?? [])])];
    if (ask.length === 0) return failed(joinAgain(earlier));
    const { clock, logger } = this.#parts;
    const security = peerSecurity(cluster.tls, cluster.insecure);
    const local = { id: nodeId, clusterId: earlier?.clusterId ?? "" };
    const client = await openMemberClient({ clock }, security, local);
    const onRefused = (lastRefusal: Fault) => {
      this.#phase = { kind: "joining", lastRefusal };
    };
    this.#asked = ask;
    const options = { folder: this.#folder, member: this.#self(), ask, earlier };
    const parts = { clock, logger, client, onRefused };
    this.#background = seekAdmission(parts, options, this.#life.signal).then(async (admitted) => {
      client.stop();
      if (this.#life.signal.aborted) return;
      if (admitted.ok) this.#identity = admitted.value;
      const opened = admitted.ok ? await this.#open(null) : admitted;
      if (opened.ok) return;
      logger.error("this node takes no part in its group", { ...opened.fault });
      this.#phase = { kind: "unusable", fault: opened.fault };
      if (decisiveFaults.has(opened.fault.code)) this.#end(opened.fault);
    });
    return ok(null);
  }

  async #open(founders: readonly Member[] | null): Promise<Result<null>> {
    const identity = this.#identity;
    const { cluster, nodeId: id } = this.#config;
    if (identity === null) return failed(fault("E_IDENTITY_READ", "no identity"));
    const { clusterId } = identity;
    const opened = await openMember(this.#parts, {
      folder: this.#folder,
      id,
      clusterId,
      mayCreate: identity.standing !== "member",
      founders,
      address: this.#self().address,
      listen: cluster.peer,
      security: peerSecurity(cluster.tls, cluster.insecure),
      raft: defaultRaftOptions,
      segmentBytes,
    });
    if (!opened.ok) return opened;
    const member = opened.value;
    const lonely = cluster.peer === null && hasOthers(member.node.status());
    if (lonely) {
      await member.stop();
      return failed(portRequired(clusterId));
    }
    if (identity.standing !== "member") {
      this.#identity = { clusterId, nodeId: id, standing: "member" };
      const written = await writeIdentity(this.#folder, this.#identity);
      if (!written.ok)
        this.#parts.logger.warn("the identity stays as it was", { ...written.fault });
    }
    this.#member = member;
    member.node.setPriority(this.#priority);
    this.#phase = { kind: "running", sinceMs: this.#parts.clock.monotonicMs() };
    void member.node.ended.then((end) => this.#onEnd(end));
    this.#background = Promise.all([
      this.#announceAddress(member),
      this.#watchForRemoval(member, clusterId),
    ]).then(() => {});
    return ok(null);
  }

  async #onEnd(end: Awaited<RaftNode<Reply>["ended"]>): Promise<void> {
    if (end.kind === "stopped") return;
    if (end.kind === "failed") {
      this.#end(end.fault);
      return;
    }
    const identity = this.#identity;
    const written =
      identity === null
        ? null
        : await writeIdentity(this.#folder, { ...identity, standing: "removed" });
    if (written?.ok === false) this.#parts.logger.error("cannot be noted", { ...written.fault });
    this.#end(removed(this.#folder));
  }

  async #watchForRemoval({ node, peers }: OpenedMember<Reply>, clusterId: string): Promise<void> {
    if (peers === null) return;
    const ask = async ({ address }: Member, signal: AbortSignal) => {
      const answer = await peers.client.status(address, signal);
      return answer.ok ? answer.value : null;
    };
    const parts = { clock: this.#parts.clock, status: () => node.status(), ask };
    if (!(await removedMeanwhile(parts, clusterId, this.#life.signal))) return;
    await this.#onEnd({ kind: "removed" });
  }

  /** The group learns where this node is reached, should that have changed since the last start. */
  async #announceAddress({ node, peers }: OpenedMember<Reply>): Promise<void> {
    const { clock, logger } = this.#parts;
    const { signal } = this.#life;
    const self = this.#self();
    const changes = [{ kind: "move", member: self }] as const;
    while (!signal.aborted) {
      const members = membersOf(node.status()?.membership ?? noMembership);
      const known = members.find(({ id }) => id === self.id);
      if (known?.address === self.address) return;
      if (known !== undefined) {
        let moved = await node.changeMembership(changes, signal);
        // Who has moved is not found by its leader, and knows of none: the others do.
        for (const other of members) {
          if (moved.ok || other.id === self.id || peers === null) continue;
          moved = await peers.leader.changeMembership(other, changes, signal);
        }
        if (moved.ok) logger.info("the group knows the new peer address", { ...self });
      }
      await clock.sleep(announcePauseMs, signal);
    }
  }
}

const announcePauseMs = 500;
const noMembership = { voters: [], outgoing: null, learners: [] };

const hasOthers = (status: DriverStatus | null): boolean =>
  membersOf(status?.membership ?? noMembership).some(({ id }) => id !== status?.id);
