/**
 * The few things the log and the snapshots ask of a file system, over Node's callback functions,
 * which cost a write far less than file handles do. It is a seam: tests put disks behind it that
 * fail where a real one rarely does. Failures are thrown as the system's own errors.
 */

import fs from "node:fs";

export interface OpenFile {
  /** Resolves when `bytes` are on the disk (O_DSYNC): one call instead of a write and a sync. */
  writeDurably(bytes: Uint8Array, position: number): Promise<void>;
  /** Resolves when the kernel has `bytes`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Fills `into` from `position`; how many bytes there were. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Data, and of the metadata what is needed to find it (fdatasync). */
  sync(): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** `create`: empty, made anew; `write` and `read`: it exists. */
export type OpenMode = "create" | "write" | "read";

export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Content that nobody needs any more; that it is gone already is no fault. */
  remove(path: string): Promise<void>;
  /** Makes what was created, renamed or removed in `folder` durable. */
  syncFolder(folder: string): Promise<void>;
}

/** No room on the disk, or none left to this user. */
export function isNoRoom(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && noRoomCodes.has(thrown.code);
}

const noRoomCodes = new Set<unknown>(["ENOSPC", "EDQUOT"]);

type Done<Value> = (error: Error | null, value?: Value) => void;

function called<Value>(run: (done: Done<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(error) : resolve(value as Value)));
  });
}

const { O_CREAT, O_DSYNC, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;
const openFlags = { create: O_RDWR | O_CREAT | O_TRUNC, write: O_RDWR, read: O_RDONLY };

const openDescriptor = (path: string, flags: number) =>
  called<number>((done) => fs.open(path, flags, 0o600, done));
const closeDescriptor = (descriptor: number) => called<void>((done) => fs.close(descriptor, done));

class NodeFile implements OpenFile {
  readonly #descriptor: number;
  /** The same file, opened once more: what is written through it is on disk when it returns. */
  #durableDescriptor = -1;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  async writeDurably(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#durableDescriptor === -1) {
      // Through the first descriptor, so that a renamed file is still the same one.
      const itself = `/proc/self/fd/${this.#descriptor}`;
      this.#durableDescriptor = await openDescriptor(itself, O_RDWR | O_DSYNC);
    }
    await writeAll(this.#durableDescriptor, bytes, position);
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return writeAll(this.#descriptor, bytes, position);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let length = 0;
    while (length < into.length) {
      const from = length;
      const count = await called<number>((done) =>
        fs.read(this.#descriptor, into, from, into.length - from, position + from, done),
      );
      if (count === 0) break;
      length += count;
    }
    return length;
  }

  sync(): Promise<void> {
    return called((done) => fs.fdatasync(this.#descriptor, done));
  }

  async sizeBytes(): Promise<number> {
    return (await called<fs.Stats>((done) => fs.fstat(this.#descriptor, done))).size;
  }

  async close(): Promise<void> {
    await closeDescriptor(this.#descriptor);
    if (this.#durableDescriptor !== -1) await closeDescriptor(this.#durableDescriptor);
  }
}

async function writeAll(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let from = 0; from < bytes.length; ) {
    const start = from;
    from += await called<number>((done) =>
      fs.write(descriptor, bytes, start, bytes.length - start, position + start, done),
    );
  }
}

export const nodeFileSystem: FileSystem = {
  open: async (path, mode) => new NodeFile(await openDescriptor(path, openFlags[mode])),
  list: (folder) => called((done) => fs.readdir(folder, done)),
  makeFolder: async (folder) => {
    await called<string | undefined>((done) =>
      fs.mkdir(folder, { recursive: true, mode: 0o700 }, done),
    );
  },
  rename: (from, to) => called((done) => fs.rename(from, to, done)),
  remove: (path) => called((done) => fs.rm(path, { force: true }, done)),
  syncFolder: async (folder) => {
    const descriptor = await openDescriptor(folder, O_RDONLY);
    try {
      await called<void>((done) => fs.fsync(descriptor, done));
    } finally {
      await closeDescriptor(descriptor);
    }
  },
};
