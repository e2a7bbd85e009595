/** A real file system that can be told to fail as disks do. */

import type { FileSystem, OpenFile } from "../../src/consensus/io/index.ts";
import { nodeFileSystem } from "../../src/consensus/io/index.ts";

type Operation = "writeDurably" | "write" | "sync" | "rename" | "syncFolder" | "open";

export class FaultyFileSystem implements FileSystem {
  /** Throws to make the operation fail. */
  before: (operation: Operation, path: string) => void = () => {};
  readonly list = nodeFileSystem.list;
  readonly makeFolder = nodeFileSystem.makeFolder;
  readonly remove = nodeFileSystem.remove;

  async open(path: string, mode: Parameters<FileSystem["open"]>[1]): Promise<OpenFile> {
    this.before("open", path);
    const file = await nodeFileSystem.open(path, mode);
    return {
      read: (into, position) => file.read(into, position),
      sizeBytes: () => file.sizeBytes(),
      close: () => file.close(),
      write: async (bytes, position) => {
        this.before("write", path);
        await file.write(bytes, position);
      },
      writeDurably: async (bytes, position) => {
        this.before("writeDurably", path);
        await file.writeDurably(bytes, position);
      },
      sync: async () => {
        this.before("sync", path);
        await file.sync();
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.before("rename", to);
    await nodeFileSystem.rename(from, to);
  }

  async syncFolder(folder: string): Promise<void> {
    this.before("syncFolder", folder);
    await nodeFileSystem.syncFolder(folder);
  }

  /** Every write finds no room from now on; `null` gives it back. */
  setFull(full: boolean): void {
    this.before = full
      ? (operation) => {
          if (operation.startsWith("write")) throw systemError("ENOSPC");
        }
      : () => {};
  }
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as told`), { code });
}
