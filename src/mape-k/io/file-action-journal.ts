/**
 * The crash journal as one small file whose blocks are all written beforehand: opening and closing
 * an entry overwrites blocks in place, so it works when the disk is full, on file systems that
 * overwrite (ext4, xfs, f2fs in place; not btrfs, ubifs, or overlays before their first write).
 *
 * An entry is never overwritten by its own next version: that goes to a free slot first, with a
 * higher generation, so a write torn by a power loss leaves the version before. One slot is kept
 * free for that.
 */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type Fault,
  failed,
  fault,
  type Logger,
  messageOf,
  ok,
  type Result,
} from "../../base/index.ts";
import type { DecisionId } from "../decision.ts";
import type { ActionJournal, OpenAction } from "../execute/action-journal.ts";
import {
  decodeSlot,
  encodeSlot,
  headerBytes,
  type SlotContent,
  slotBytes,
} from "./journal-slot.ts";

const journalSlots = 16;
const fileBytes = journalSlots * slotBytes;

/**
 * Opens or creates the journal (mode 0600). The caller holds the lock on the data directory: two
 * processes must not write one journal.
 */
export async function openFileActionJournal(
  path: string,
  parts: { readonly logger: Logger },
): Promise<Result<FileActionJournal, Fault<"E_JOURNAL_OPEN">>> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    await preallocate(file, path, parts.logger);
    const journal = new FileActionJournal({ file, path, logger: parts.logger });
    await journal.load();
    return ok(journal);
  } catch (thrown) {
    await file?.close();
    const remedy = "free space for it (256 KiB) and make it writable for meshmend";
    return failed(fault("E_JOURNAL_OPEN", `cannot open ${path}: ${messageOf(thrown)}`, remedy));
  }
}

/** A new file is filled with zeros, a short one to its end; what is there stays. */
async function preallocate(file: FileHandle, path: string, logger: Logger): Promise<void> {
  const { size } = await file.stat();
  if (size >= fileBytes) return;
  if (size > 0) logger.warn("the action journal was cut short", { path, sizeBytes: size });
  // A slot that the file ends within keeps its bytes and fails its checksum.
  await writeAll(file, Buffer.alloc(fileBytes - size), size);
  await file.sync();
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

interface FileActionJournalParts {
  readonly file: FileHandle;
  readonly path: string;
  readonly logger: Logger;
}

export class FileActionJournal implements ActionJournal {
  readonly capacity = journalSlots - 1;
  readonly #parts: FileActionJournalParts;
  /** Which slot holds which decision; null: free. */
  readonly #owners: (DecisionId | null)[] = Array.from({ length: journalSlots }, () => null);
  #generation = 0n;
  #damagedSlots = 0;
  #trimmedEntries = 0;
  #stopped = false;
  /** Operations run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: FileActionJournalParts) {
    this.#parts = parts;
  }

  /** Slots found torn or overwritten when the journal was opened. They count as empty. */
  get damagedSlots(): number {
    return this.#damagedSlots;
  }

  /** Entries of which something was left out to fit a slot. */
  get trimmedEntries(): number {
    return this.#trimmedEntries;
  }

  open(entry: OpenAction): Promise<Result<void, Fault<"E_JOURNAL_FULL" | "E_JOURNAL_WRITE">>> {
    return this.#inTurn(async () => {
      const { id } = entry.decision;
      const before = this.#owners.indexOf(id);
      const slot = this.#owners.indexOf(null);
      const held = this.#owners.filter((owner) => owner !== null).length;
      if (slot === -1 || (before === -1 && held >= this.capacity)) {
        const message = `${this.capacity} actions are open; none can be added`;
        return failed(fault("E_JOURNAL_FULL", message));
      }
      const encoded = encodeSlot(entry.decision, this.#generation + 1n);
      if (encoded === null) {
        const message = `the undo of decision ${id} does not fit a slot of ${slotBytes} bytes`;
        return failed(fault("E_JOURNAL_WRITE", message));
      }
      const written = await this.#write(slot, encoded.bytes);
      if (!written.ok) return written;
      this.#generation++;
      if (encoded.trimmed) this.#trimmedEntries++;
      this.#owners[slot] = id;
      // Not a failure of this call when it fails: the higher generation wins, and close clears both.
      if (before !== -1) await this.#clear(before);
      return ok(undefined);
    });
  }

  close(id: DecisionId): Promise<Result<void, Fault<"E_JOURNAL_WRITE">>> {
    return this.#inTurn(async () => {
      for (let slot = 0; slot < journalSlots; slot++) {
        if (this.#owners[slot] !== id) continue;
        const cleared = await this.#clear(slot);
        if (!cleared.ok) return cleared;
      }
      return ok(undefined);
    });
  }

  recover(): Promise<Result<readonly OpenAction[], Fault<"E_JOURNAL_READ">>> {
    return this.#inTurn(async () => {
      if (this.#stopped) return failed(fault("E_JOURNAL_READ", "the journal is closed"));
      try {
        return ok(newestOfEach(await this.#readSlots()));
      } catch (thrown) {
        const message = `cannot read ${this.#parts.path}: ${messageOf(thrown)}`;
        return failed(fault("E_JOURNAL_READ", message));
      }
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stopped) return;
      this.#stopped = true;
      try {
        await this.#parts.file.close();
      } catch (thrown) {
        this.#parts.logger.error("the action journal did not close", { reason: messageOf(thrown) });
      }
    });
  }

  /** Learns what the file holds; once, before anything else. Throws what the system throws. */
  async load(): Promise<void> {
    for (const [slot, content] of (await this.#readSlots()).entries()) {
      if (content.kind === "damaged") {
        this.#damagedSlots++;
        const { reason } = content;
        this.#parts.logger.warn("a slot of the action journal is damaged", { slot, reason });
      }
      if (content.kind !== "entry") continue;
      this.#owners[slot] = content.decision.id;
      if (content.generation > this.#generation) this.#generation = content.generation;
    }
  }

  async #readSlots(): Promise<SlotContent[]> {
    const bytes = Buffer.alloc(fileBytes);
    let length = 0;
    while (length < fileBytes) {
      const { bytesRead } = await this.#parts.file.read(bytes, length, fileBytes - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return this.#owners.map((_, slot) => {
      const start = slot * slotBytes;
      return decodeSlot(
        bytes.subarray(start, Math.min(start + slotBytes, Math.max(start, length))),
      );
    });
  }

  async #clear(slot: number): Promise<Result<void, Fault<"E_JOURNAL_WRITE">>> {
    const cleared = await this.#write(slot, Buffer.alloc(headerBytes));
    if (cleared.ok) this.#owners[slot] = null;
    return cleared;
  }

  async #write(slot: number, bytes: Buffer): Promise<Result<void, Fault<"E_JOURNAL_WRITE">>> {
    if (this.#stopped) return failed(fault("E_JOURNAL_WRITE", "the journal is closed"));
    try {
      const { file } = this.#parts;
      await writeAll(file, bytes, slot * slotBytes);
      await file.datasync();
      // A removed file takes writes as ever, and the next start would never see them. It is not made
      // anew: with it may have gone the lock that keeps another process from the same journal.
      if ((await file.stat()).nlink > 0) return ok(undefined);
      const message = `${this.#parts.path} was removed`;
      return failed(fault("E_JOURNAL_WRITE", message, "start meshmend again: it makes a new one"));
    } catch (thrown) {
      const message = `cannot write ${this.#parts.path}: ${messageOf(thrown)}`;
      return failed(fault("E_JOURNAL_WRITE", message));
    }
  }

  #inTurn<Value>(operation: () => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(operation);
    // The chain goes on whatever came of this one; its own caller is told.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function newestOfEach(slots: readonly SlotContent[]): OpenAction[] {
  const newest = new Map<DecisionId, Extract<SlotContent, { kind: "entry" }>>();
  for (const slot of slots) {
    if (slot.kind !== "entry") continue;
    const known = newest.get(slot.decision.id);
    if (known === undefined || slot.generation > known.generation) {
      newest.set(slot.decision.id, slot);
    }
  }
  return [...newest.values()]
    .sort((one, other) => (one.generation < other.generation ? -1 : 1))
    .map(({ decision }) => ({ decision }));
}
