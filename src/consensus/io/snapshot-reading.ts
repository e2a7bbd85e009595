/** Reads a snapshot's file from its start to its end, verifying each block before it is handed on. */

import type { SnapshotMeta } from "../message.ts";
import { ByteWriter } from "./byte-writer.ts";
import { writeMembership, writePosition } from "./entry-codec.ts";
import type { FileSystem } from "./file-system.ts";
import { BlockChecker, snapshotBlockBytes } from "./snapshot-format.ts";

/** What the snapshot at `path` stands for; null unless it is whole. */
export async function verifiedMeta(
  fileSystem: FileSystem,
  path: string,
): Promise<SnapshotMeta | null> {
  const checker = new BlockChecker();
  const blocks = checkedBlocks(fileSystem, path, checker);
  while ((await blocks.next()).done !== true);
  return checker.whole ? checker.meta : null;
}

/** The state machine's bytes; the value returned in the end tells whether they were all. */
export async function* snapshotPayload(
  fileSystem: FileSystem,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, boolean> {
  const checker = new BlockChecker();
  for await (const payload of checkedBlocks(fileSystem, path, checker)) {
    signal.throwIfAborted();
    if (payload.length > 0) yield payload;
  }
  return checker.whole;
}

async function* checkedBlocks(
  fileSystem: FileSystem,
  path: string,
  checker: BlockChecker,
): AsyncGenerator<Uint8Array, void> {
  const file = await fileSystem.open(path, "read");
  try {
    for (let at = 0; ; at += snapshotBlockBytes) {
      // Its own buffer each: what was handed on is not overwritten.
      const bytes = Buffer.allocUnsafe(snapshotBlockBytes);
      const length = await file.read(bytes, at);
      if (length === 0) return;
      const payload = checker.next(bytes.subarray(0, length));
      if (payload === null) return checker.spoil();
      yield payload;
    }
  } finally {
    await file.close();
  }
}

export function isSameSnapshot(one: SnapshotMeta, other: SnapshotMeta): boolean {
  return encoded(one).equals(encoded(other));
}

function encoded(meta: SnapshotMeta): Buffer {
  const out = new ByteWriter(1024);
  writePosition(out, meta);
  writeMembership(out, meta.membership);
  return out.view();
}
