/**
 * A short path to a folder, through an open descriptor: the path of a Unix socket may have no more
 * than 107 bytes, and data directories do not care.
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";

export interface FolderHandle {
  /** Valid until `close`. */
  readonly path: string;
  close(): Promise<void>;
}

export async function openFolder(folder: string): Promise<FolderHandle> {
  const file = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${file.fd}`, close: () => file.close() };
}
