/**
 * Whether a file system takes a write of some size now. Free space is no answer: quotas, reserved
 * blocks and read-only remounts show only when somebody writes.
 */

import { open, rm } from "node:fs/promises";

/** Writes, syncs and removes a file of `bytes` zeros. Throws what the system throws. */
export async function provesRoom(path: string, bytes: number): Promise<void> {
  try {
    const file = await open(path, "w", 0o600);
    try {
      await file.writeFile(Buffer.alloc(bytes));
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}
