/**
 * The files of the log: `<sequence>.segment` for what is in use, `spare-<number>` for what is ready
 * to become the next. A spare's blocks are all written beforehand, so that appending changes no
 * metadata and cannot run out of space; segments that compaction has emptied become spares.
 */

import { join } from "node:path";
import { type Logger, messageOf } from "../../base/index.ts";
import { type FileSystem, isNoRoom, type OpenFile } from "./file-system.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  type SegmentHeader,
  segmentHeaderBytes,
} from "./segment-header.ts";

/** A segment that holds part of the log. */
export interface LiveSegment {
  readonly sequence: number;
  readonly path: string;
  /** Of all entries ever written to it; when the base is there, it is of no more use. */
  highestIndex: number;
}

export interface ActiveSegment extends LiveSegment {
  readonly file: OpenFile;
  readonly sizeBytes: number;
}

export interface NamedSegment {
  readonly sequence: number;
  readonly path: string;
  /** Null when no copy of it is sound. */
  readonly header: SegmentHeader | null;
}

interface SegmentFolderParts {
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
}

interface SegmentFolderOptions {
  readonly folder: string;
  readonly segmentBytes: number;
}

const zeros = Buffer.alloc(1 << 20);
/** One in wait, one that compaction gave back; more are deleted. */
const maxSpares = 2;

export class SegmentFolder {
  readonly #fileSystem: FileSystem;
  readonly #logger: Logger;
  readonly folder: string;
  readonly segmentBytes: number;
  readonly #spares: string[] = [];
  #spareNumber = 0;
  #allocation: Promise<void> | null = null;

  constructor({ fileSystem, logger }: SegmentFolderParts, options: SegmentFolderOptions) {
    this.#fileSystem = fileSystem;
    this.#logger = logger;
    this.folder = options.folder;
    this.segmentBytes = options.segmentBytes;
  }

  /** The segments by sequence, ascending. Removes what earlier runs left half-made. */
  async open(): Promise<NamedSegment[]> {
    await this.#fileSystem.makeFolder(this.folder);
    const segments: NamedSegment[] = [];
    for (const name of await this.#fileSystem.list(this.folder)) {
      const path = join(this.folder, name);
      const sequence = Number(/^(\d{10})\.segment$/.exec(name)?.[1] ?? 0);
      if (sequence > 0) segments.push({ sequence, path, header: await this.#readHeader(path) });
      else if (/^spare-\d+$/.test(name)) await this.#keepSpare(path);
      else if (/^spare-\d+\.new$/.test(name)) await this.#fileSystem.remove(path);
    }
    return segments.sort((one, other) => one.sequence - other.sequence);
  }

  async #readHeader(path: string): Promise<SegmentHeader | null> {
    const bytes = Buffer.alloc(segmentHeaderBytes);
    await this.#withFile(path, (file) => file.read(bytes, 0));
    return decodeSegmentHeader(bytes);
  }

  /** The whole file. */
  async read(path: string): Promise<Buffer> {
    return await this.#withFile(path, async (file) => {
      const bytes = Buffer.allocUnsafeSlow(await file.sizeBytes());
      return bytes.subarray(0, await file.read(bytes, 0));
    });
  }

  async #withFile<Value>(path: string, use: (file: OpenFile) => Promise<Value>): Promise<Value> {
    const file = await this.#fileSystem.open(path, "read");
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }

  async #keepSpare(path: string): Promise<void> {
    const size = await this.#withFile(path, (file) => file.sizeBytes());
    this.#spareNumber = Math.max(this.#spareNumber, Number(/\d+$/.exec(path)?.[0] ?? 0));
    if (size === this.segmentBytes && this.#spares.length < maxSpares) this.#spares.push(path);
    else await this.#fileSystem.remove(path);
  }

  /** Opens the newest segment for appending. */
  async reopen(segment: LiveSegment, sizeBytes: number): Promise<ActiveSegment> {
    return { ...segment, sizeBytes, file: await this.#fileSystem.open(segment.path, "write") };
  }

  /** Starts making a spare, unless there is one. Want of room is only met when it is needed. */
  prepareSpare(): void {
    if (this.#spares.length > 0 || this.#allocation !== null) return;
    this.#allocation = this.#allocate(this.segmentBytes)
      .then((path) => void this.#spares.push(path))
      .catch((thrown: unknown) => {
        const reason = messageOf(thrown);
        this.#logger.warn("no spare segment could be made for the Raft log", { reason });
      })
      .finally(() => {
        this.#allocation = null;
      });
  }

  /** What `prepareSpare` has under way, if anything. */
  async settled(): Promise<void> {
    await this.#allocation;
  }

  /**
   * Makes a spare the segment of this header, with `frames` in it; from then on a recovery finds it.
   * Null, and nothing changed, when the disk has no room.
   */
  async activate(header: SegmentHeader, frames: Uint8Array | null): Promise<ActiveSegment | null> {
    try {
      const spare = await this.#takeSpare(header.sizeBytes);
      return await this.#activate(spare, header, frames);
    } catch (thrown) {
      if (isNoRoom(thrown)) return null;
      throw thrown;
    }
  }

  async #takeSpare(sizeBytes: number): Promise<string> {
    if (sizeBytes !== this.segmentBytes) return await this.#allocate(sizeBytes);
    await this.#allocation;
    return this.#spares.shift() ?? (await this.#allocate(sizeBytes));
  }

  async #activate(
    spare: string,
    header: SegmentHeader,
    frames: Uint8Array | null,
  ): Promise<ActiveSegment> {
    const { sequence } = header.place;
    const path = join(this.folder, `${String(sequence).padStart(10, "0")}.segment`);
    const file = await this.#fileSystem.open(spare, "write");
    try {
      await file.write(encodeSegmentHeader(header), 0);
      if (frames !== null) await file.write(frames, segmentHeaderBytes);
      await file.sync();
      await this.#fileSystem.rename(spare, path);
      await this.#fileSystem.syncFolder(this.folder);
    } catch (thrown) {
      await file.close();
      if (isNoRoom(thrown) && header.sizeBytes === this.segmentBytes) this.#spares.push(spare);
      throw thrown;
    }
    return { sequence, path, file, sizeBytes: header.sizeBytes, highestIndex: 0 };
  }

  /** A new file of zeros, synced. Throws what the system throws, and leaves nothing then. */
  async #allocate(sizeBytes: number): Promise<string> {
    const path = join(this.folder, `spare-${++this.#spareNumber}`);
    const unfinished = `${path}.new`;
    const file = await this.#fileSystem.open(unfinished, "create");
    try {
      for (let at = 0; at < sizeBytes; at += zeros.length) {
        await file.write(zeros.subarray(0, Math.min(zeros.length, sizeBytes - at)), at);
      }
      await file.sync();
    } catch (thrown) {
      await file.close();
      await this.#fileSystem.remove(unfinished);
      throw thrown;
    }
    await file.close();
    await this.#fileSystem.rename(unfinished, path);
    return path;
  }

  /** These hold nothing that is needed: they become spares or go. */
  async retire(segments: readonly LiveSegment[]): Promise<void> {
    for (const { path } of segments) {
      const wanted = this.#allocation === null && this.#spares.length < maxSpares;
      if (!wanted || (await this.#sizeOf(path)) !== this.segmentBytes) {
        await this.#fileSystem.remove(path);
        continue;
      }
      const spare = join(this.folder, `spare-${++this.#spareNumber}`);
      await this.#fileSystem.rename(path, spare);
      this.#spares.push(spare);
    }
    if (segments.length > 0) await this.#fileSystem.syncFolder(this.folder);
  }

  async #sizeOf(path: string): Promise<number> {
    return await this.#withFile(path, (file) => file.sizeBytes());
  }
}
