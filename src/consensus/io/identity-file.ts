/**
 * Who this node is to its group, in a file of its own beside the log: written before the log is, so
 * that a log that has gone missing is noticed, and replaced as a whole.
 */

import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { failed, fault, messageOf, type NodeId, ok, type Result } from "../../base/index.ts";

export interface IdentityRecord {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /**
   * `new`: no log is written yet. `joining`: asked to be admitted, and perhaps admitted. `member`:
   * there must be a log. `removed`: the group has agreed to go on without this node.
   */
  readonly standing: "new" | "joining" | "member" | "removed";
}

const formatVersion = 1;
const standings: ReadonlySet<unknown> = new Set(["new", "joining", "member", "removed"]);

/** Null when there is none. Fault: E_IDENTITY_DAMAGED. */
export async function readIdentity(path: string): Promise<Result<IdentityRecord | null>> {
  const damaged = (why: string) => {
    const remedy =
      "remove the node from its group and its raft/ directory, then join it under a new id";
    return failed(fault("E_IDENTITY_DAMAGED", `${path}: ${why}`, remedy));
  };
  try {
    const record: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof record !== "object" || record === null) return damaged("not a record");
    const fields = new Map<string, unknown>(Object.entries(record));
    const version = fields.get("formatVersion");
    if (version !== formatVersion) return damaged(`its format is version ${String(version)}`);
    const [clusterId, nodeId, standing] = ["clusterId", "nodeId", "standing"].map((name) =>
      fields.get(name),
    );
    const sound =
      typeof clusterId === "string" && clusterId !== "" && typeof nodeId === "string" &&
      nodeId !== "" && standings.has(standing);
    if (!sound) return damaged("a field is missing");
    return ok({
      clusterId,
      nodeId: nodeId as NodeId,
      standing: standing as IdentityRecord["standing"],
    });
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return ok(null);
    return damaged(messageOf(thrown));
  }
}

/** Durable when it resolves. Fault: E_IDENTITY_WRITE. */
export async function writeIdentity(path: string, record: IdentityRecord): Promise<Result<null>> {
  const draft = `${path}.new`;
  try {
    const file = await open(draft, "w", 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ formatVersion, ...record })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    const folder = await open(dirname(path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    return ok(null);
  } catch (thrown) {
    return failed(fault("E_IDENTITY_WRITE", `cannot write ${path}: ${messageOf(thrown)}`));
  }
}
