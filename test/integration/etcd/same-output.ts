/** What may differ between two servers that mean the same: ids, addresses, times and sizes. */

import type { CommandOutcome } from "./etcd-process.ts";

const accidents: readonly (readonly [RegExp, string])[] = [
  [/127\.0\.0\.1:\d+/g, "ADDRESS"],
  [/\b[0-9a-f]{14,16}\b/g, "ID"],
  [/("(?:cluster_id|member_id|raft_term|ID|id|lease|Lease)": ?)\d{4,}/g, "$1ID"],
  [/("raft_term": ?)\d+/g, "$1TERM"],
  [/("(?:ClusterID|MemberID|RaftTerm|ID|Lease)" : )\d+/g, "$1ID"],
  [/remaining\(\d+s\)/g, "remaining(TIME)"],
  [/took = [0-9.]+[a-zµ]+/g, "took = TIME"],
  [/took [0-9.]+[a-zµ]+/g, "took TIME"],
  // The time of the client's log lines.
  [/"ts":"[^"]*"/g, '"ts":"TIME"'],
  [/"target":"[^"]*"/g, '"target":"TARGET"'],
  [/"caller":"[^"]*"/g, '"caller":"CALLER"'],
];

export function comparable({ code, out, err }: CommandOutcome): CommandOutcome {
  const plain = (text: string) =>
    accidents.reduce((rest, [accident, name]) => rest.replaceAll(accident, name), text);
  return { code, out: plain(out), err: plain(err) };
}
