/**
 * A saved snapshot as a file: what etcd's Snapshot call sends, content, filling and SHA-256, as
 * api/etcd/snapshot-padding.ts puts it together. Written beside its name first and put there once it
 * is whole, verified and on the disk.
 */

import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Fault, failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import { type SnapshotSummary, summarizeSnapshot } from "../../kvstore/index.ts";

const pageBytes = 512;
const hashBytes = 32;
const lengthBytes = 8;
const readBytes = 256 * 1024;

const damaged = (path: string, why: string): Fault =>
  fault("E_SNAPSHOT_DAMAGED", `${path} is no whole snapshot of a meshmend store: ${why}`);

export interface SnapshotWriter {
  add(bytes: Uint8Array): Promise<void>;
  /** Verifies it and gives it its name. Nothing is left of one that is not whole. */
  finish(): Promise<Result<SnapshotSummary>>;
  /** Gives up what was written. */
  abandon(): Promise<void>;
}

/** Replaces a file that is there once the new one is whole. Fault: E_SNAPSHOT_WRITE. */
export async function snapshotWriter(path: string): Promise<Result<SnapshotWriter>> {
  const part = `${path}.part`;
  let file: FileHandle;
  try {
    // It holds every value of the store.
    file = await open(part, "w", 0o600);
  } catch (thrown) {
    return failed(fault("E_SNAPSHOT_WRITE", `cannot write ${part}: ${messageOf(thrown)}`));
  }
  const abandon = async () => {
    await file.close();
    await rm(part, { force: true });
  };
  return ok({
    async add(bytes) {
      await file.appendFile(bytes);
    },
    async finish() {
      await file.sync();
      const summary = await snapshotStatus(part);
      if (!summary.ok) {
        await abandon();
        return summary;
      }
      await file.close();
      await rename(part, path);
      await syncFolder(dirname(path));
      return summary;
    },
    abandon,
  });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Reads all of the file. Faults: E_SNAPSHOT_READ, E_SNAPSHOT_DAMAGED. */
export async function snapshotStatus(path: string): Promise<Result<SnapshotSummary>> {
  return withSnapshot(path, (content) =>
    summarizeSnapshot(content(), new AbortController().signal),
  );
}

/** Hands the content of a file whose SHA-256 is right to `use`, to be read as often as it likes. */
export async function withSnapshot<Value>(
  path: string,
  use: (content: () => AsyncIterable<Uint8Array>) => Promise<Result<Value>>,
): Promise<Result<Value>> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (thrown) {
    return failed(fault("E_SNAPSHOT_READ", `cannot read ${path}: ${messageOf(thrown)}`));
  }
  try {
    const { size } = await file.stat();
    const bodyBytes = size - hashBytes;
    if (bodyBytes < pageBytes || bodyBytes % pageBytes !== 0) {
      return failed(damaged(path, `${size} bytes is not the size of one`));
    }
    const hash = createHash("sha256");
    for await (const chunk of part(file, 0, bodyBytes)) hash.update(chunk);
    const stored = await exactly(file, bodyBytes, hashBytes);
    if (!hash.digest().equals(stored)) return failed(damaged(path, "its SHA-256 is another"));
    const length = await exactly(file, bodyBytes - lengthBytes, lengthBytes);
    const contentBytes = length.readBigUInt64BE();
    const paddingBytes = BigInt(bodyBytes) - contentBytes;
    if (paddingBytes < lengthBytes || paddingBytes >= pageBytes + lengthBytes) {
      return failed(damaged(path, "it was saved by another program, etcd perhaps"));
    }
    return await use(() => part(file, 0, Number(contentBytes)));
  } catch (thrown) {
    return failed(fault("E_SNAPSHOT_READ", `cannot read ${path}: ${messageOf(thrown)}`));
  } finally {
    await file.close();
  }
}

async function* part(file: FileHandle, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const chunk = await exactly(file, at, Math.min(readBytes, to - at));
    at += chunk.length;
    yield chunk;
  }
}

async function exactly(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const into = Buffer.allocUnsafe(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await file.read(into, done, bytes - done, at + done);
    if (bytesRead === 0) throw new Error("it ends early");
    done += bytesRead;
  }
  return into;
}
