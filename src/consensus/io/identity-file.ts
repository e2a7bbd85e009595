/**
 * Who this data directory belongs to. Written before the log, and as a `member` after that is begun:
 * a member without a log lost its disk and must not vote again under its old id, while a founding or
 * an admission that a crash cut short just goes on.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import {
  type Fault,
  failed,
  fault,
  messageOf,
  type NodeId,
  ok,
  type Result,
} from "../../base/index.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";

export interface StoredIdentity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /**
   * `founding` and `joining`: its log may not be begun yet. `member`: there must be one. `removed`:
   * the group has agreed to go on without this node.
   */
  readonly standing: "founding" | "joining" | "member" | "removed";
  /** Peer addresses of members, while `joining`: a start without --join goes on asking them. */
  readonly asked?: readonly string[];
}

const fileName = "identity";
const formatVersion = 1;

/** Null when the node is new. Faults: E_IDENTITY_DAMAGED, E_IDENTITY_READ. */
export async function readIdentity(
  folder: string,
): Promise<Result<StoredIdentity | null, Fault<"E_IDENTITY_DAMAGED" | "E_IDENTITY_READ">>> {
  const path = join(folder, fileName);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return ok(null);
    return failed(fault("E_IDENTITY_READ", `cannot read ${path}: ${messageOf(thrown)}`));
  }
  const identity = parse(text);
  if (identity !== null) return ok(identity);
  const remedy = "restore it: its cluster and node id are in the log of earlier starts";
  return failed(fault("E_IDENTITY_DAMAGED", `${path} is damaged, or of another version`, remedy));
}

/** Durable when it answers. Fault: E_IDENTITY_WRITE. */
export async function writeIdentity(
  folder: string,
  identity: StoredIdentity,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<Result<void, Fault<"E_IDENTITY_WRITE">>> {
  const path = join(folder, fileName);
  const part = `${path}.part`;
  try {
    await fileSystem.makeFolder(folder);
    const file = await fileSystem.open(part, "create");
    try {
      await file.write(Buffer.from(format(identity)), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await fileSystem.rename(part, path);
    await fileSystem.syncFolder(folder);
    return ok(undefined);
  } catch (thrown) {
    return failed(fault("E_IDENTITY_WRITE", `cannot write ${path}: ${messageOf(thrown)}`));
  }
}

/** One line people can read, and its CRC-32 on the next. */
function format({ clusterId, nodeId, standing, asked }: StoredIdentity): string {
  const line = JSON.stringify({ format: formatVersion, clusterId, nodeId, standing, asked });
  return `${line}\n${crc32(line)}\n`;
}

function parse(text: string): StoredIdentity | null {
  const [line = "", checksum = ""] = text.split("\n");
  if (String(crc32(line)) !== checksum) return null;
  const parsed = JSON.parse(line) as StoredIdentity & { readonly format: number };
  if (parsed.format !== formatVersion) return null;
  const { clusterId, nodeId, standing, asked } = parsed;
  return { clusterId, nodeId, standing, ...(asked !== undefined && { asked }) };
}
