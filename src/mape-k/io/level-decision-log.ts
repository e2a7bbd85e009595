/**
 * Decisions on disk, in LevelDB: one record a decision under its id, so key order is time order. It
 * knows which of its records can no longer be read, and whether the disk still takes writes.
 */

import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import {
  failed,
  fault,
  type Health,
  healthy,
  type Logger,
  messageOf,
  ok,
  type Result,
} from "../../base/index.ts";
import type { Decision, DecisionId } from "../decision.ts";
import type { DecisionLog, DecisionLogFault, DecisionQuery } from "../knowledge/decision-log.ts";
import { decodeDecisionRecord, encodeDecisionRecord } from "./decision-record.ts";
import { type OpenFault, openFault, readFault, reasonOf } from "./level-faults.ts";
import { errnoOf } from "./linux/errno.ts";
import { openOrRepair } from "./open-or-repair.ts";
import { provesRoom } from "./room-probe.ts";

type Database = Level<string, string>;
type Outcome<Value> = Promise<Result<Value, DecisionLogFault>>;

/** What LevelDB holds in memory, and so what it may have to write when it is opened again. */
const writeBufferBytes = 1024 * 1024;
const roomBytes = 2 * writeBufferBytes;

/** How many records one deletion takes: a batch is built in memory. */
const pruneBatch = 500;

/** Creates `folder` (mode 0700) when it is not there. The returned log holds LevelDB's lock on it. */
export async function openLevelDecisionLog(
  folder: string,
  parts: { readonly logger: Logger },
): Promise<Result<LevelDecisionLog, OpenFault>> {
  const database: Database = new Level(folder, { writeBufferSize: writeBufferBytes });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await openOrRepair(database, parts.logger);
    return ok(new LevelDecisionLog({ database, logger: parts.logger }));
  } catch (thrown) {
    return failed(openFault(folder, thrown));
  }
}

export class LevelDecisionLog implements DecisionLog {
  readonly component = "decision-log";
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #damaged = new Set<string>();
  #writeProblem: string | null = null;
  #stopped = false;
  /** Writes run one after the other: none may slip in behind one that fails. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #reopening: Promise<void> = Promise.resolve();

  /** `database` is open; `openLevelDecisionLog` is the way to come by one. */
  constructor(parts: { readonly database: Database; readonly logger: Logger }) {
    this.#database = parts.database;
    this.#logger = parts.logger;
  }

  /**
   * Synced when the decision is closed: a verdict, once reported, survives a power loss. The steps
   * before it are not, and a process that is killed loses none of them: the kernel has them.
   */
  async put(decision: Decision): Outcome<void> {
    return this.#write("keep a decision", async () => {
      const sync = decision.phase === "closed";
      await this.#database.put(decision.id, encodeDecisionRecord(decision), { sync });
      this.#damaged.delete(decision.id);
    });
  }

  async get(id: DecisionId): Outcome<Decision | null> {
    await this.#reopening;
    try {
      // An absent key answers undefined since level 9, whatever the declared type says.
      const text: string | undefined = await this.#database.get(id);
      if (text === undefined) return ok(null);
      const decision = this.#decode(id, text);
      if (decision.ok) return decision;
      return failed(fault("E_STORAGE_READ", `decision ${id} is damaged: ${decision.fault}`));
    } catch (thrown) {
      return failed(readFault(thrown));
    }
  }

  /** Leaves out damaged records: they are logged once and counted in `damagedRecords`. */
  async list(query: DecisionQuery): Outcome<readonly Decision[]> {
    const decisions: Decision[] = [];
    if (query.limit <= 0) return ok(decisions);
    const range = query.before === undefined ? {} : { lt: query.before };
    await this.#reopening;
    try {
      for await (const [id, text] of this.#database.iterator({ reverse: true, ...range })) {
        const decision = this.#decode(id, text);
        if (decision.ok && decisions.push(decision.value) >= query.limit) break;
      }
      return ok(decisions);
    } catch (thrown) {
      return failed(readFault(thrown));
    }
  }

  async prune(keep: number): Outcome<number> {
    await this.#reopening;
    let excess: string[];
    try {
      excess = await this.#oldestBeyond(keep);
    } catch (thrown) {
      return failed(readFault(thrown));
    }
    let removed = 0;
    for (let start = 0; start < excess.length; start += pruneBatch) {
      const ids = excess.slice(start, start + pruneBatch);
      const written = await this.#write("remove old decisions", async () => {
        await this.#database.batch(ids.map((key) => ({ type: "del", key })));
        for (const id of ids) this.#damaged.delete(id);
      });
      if (!written.ok) return written;
      removed += ids.length;
    }
    return ok(removed);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#lastWrite;
    try {
      await this.#database.close();
    } catch (thrown) {
      // Nothing is lost by it: what was acknowledged is in LevelDB's log already.
      this.#logger.error("the decision log did not close", { reason: messageOf(thrown) });
    }
  }

  /** Distinct records found unreadable since the start and still there. */
  get damagedRecords(): number {
    return this.#damaged.size;
  }

  /** False from a refused write until the next one that succeeds. */
  get writable(): boolean {
    return this.#writeProblem === null;
  }

  health(): Health {
    if (this.#writeProblem !== null) {
      const reason = `decisions are not kept: ${this.#writeProblem}`;
      return { state: "failed", reason, remedy: "free or repair the disk of the data directory" };
    }
    if (this.#damaged.size === 0) return healthy("decisions are kept");
    return {
      state: "degraded",
      reason: `${this.#damaged.size} decision records are damaged and left out`,
      remedy: "check the disk; old records go as new ones come",
    };
  }

  #write(what: string, write: () => Promise<void>): Outcome<void> {
    const turn = this.#lastWrite.then(async () => {
      try {
        if (this.#stopped) throw new Error("the decision log is closed");
        if (this.#writeProblem !== null) await this.#reopen();
        else await this.#isStillThere();
        await write();
        this.#writeProblem = null;
        return ok(undefined);
      } catch (thrown) {
        this.#writeProblem = reasonOf(thrown);
        return failed(fault("E_STORAGE_WRITE", `cannot ${what}: ${this.#writeProblem}`));
      }
    });
    this.#lastWrite = turn;
    return turn;
  }

  /** Removed files take writes as ever, and nobody would see them again. */
  async #isStillThere(): Promise<void> {
    await stat(join(this.#database.location, "CURRENT"));
  }

  /**
   * A write that failed half-way leaves LevelDB's log torn, and LevelDB appends behind the tear:
   * what it acknowledges then is gone at the next start (tried: 20 of 20 records after a full
   * disk). Opening it anew replays the log up to the tear and begins another. Until there is room
   * for that it stays open as it is, for readers.
   */
  async #reopen(): Promise<void> {
    const folder = this.#database.location;
    // Without the folders above it: below them may have been a file system that is not mounted now.
    await mkdir(folder, { mode: 0o700 }).catch(unlessExists);
    await provesRoom(join(folder, "room.probe"), roomBytes);
    const reopened = this.#database.close().then(() => this.#database.open());
    // Readers wait for it; whether it failed they learn from their own read.
    this.#reopening = reopened.catch(() => undefined);
    await reopened;
    this.#logger.info("the decision log takes writes again");
  }

  async #oldestBeyond(keep: number): Promise<string[]> {
    const excess: string[] = [];
    let count = 0;
    for await (const id of this.#database.keys({ reverse: true })) {
      if (++count > keep) excess.push(id);
    }
    return excess.reverse();
  }

  #decode(id: string, text: string): Result<Decision, string> {
    const decoded = decodeDecisionRecord(text);
    const decision =
      decoded.ok && decoded.value.id !== id ? failed(`it is of ${decoded.value.id}`) : decoded;
    if (!decision.ok && !this.#damaged.has(id)) {
      this.#damaged.add(id);
      this.#logger.warn("a decision record is damaged", { id, reason: decision.fault });
    }
    return decision;
  }
}

function unlessExists(thrown: unknown): void {
  if (errnoOf(thrown) !== "EEXIST") throw thrown;
}
