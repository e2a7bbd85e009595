/** etcd's API names members and clusters by 64-bit numbers, ours have names: a number for a name. */

import { createHash } from "node:crypto";

/** The same on every node, and never 0, which means "none". */
export function idOfName(name: string): bigint {
  const id = createHash("sha256").update(name).digest().readBigUInt64BE(0);
  return id === 0n ? 1n : id;
}
