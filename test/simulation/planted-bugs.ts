/**
 * Bugs that a Raft implementation may have, each as one textual change to the production source. A
 * copy of the core with one of them planted is what the simulator must catch; production code knows
 * nothing of it. A change that no longer fits the source is an error, so the list cannot rot.
 */

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Core } from "./simulated-node.ts";

export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  readonly original: string;
  readonly planted: string;
  /** Needs hundreds of seeds. */
  readonly rare?: true;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "vote not persisted",
    file: "outbox.ts",
    original: "{ term, votedFor, repair } : null",
    planted: "{ term, votedFor: null, repair } : null",
  },
  {
    name: "vote granted twice in a term",
    file: "election.ts",
    original: "state.votedFor === from ||",
    planted: "state.votedFor !== null ||",
  },
  {
    name: "vote for a log that lacks committed entries",
    file: "log-entry.ts",
    original: "left.index >= right.index",
    planted: "left.index >= 0",
  },
  {
    name: "commit of an old term's entry by counting",
    file: "commit.ts",
    original: " || log.termAt(reached) !== state.term",
    planted: "",
  },
  {
    name: "acknowledgement before the disk",
    file: "following.ts",
    original: "if (matchIndex <= log.durableIndex) send",
    planted: "if (matchIndex >= 0) send",
  },
  {
    name: "leader counts what its disk does not have",
    file: "commit.ts",
    original: "voter === id ? log.durableIndex",
    planted: "voter === id ? log.lastIndex",
  },
  {
    name: "overtaken write counts as durable",
    file: "log-view.ts",
    original: "write.lastIndex = Math.min(write.lastIndex, index - 1);",
    planted: "write.lastIndex += 0;",
    rare: true,
  },
  {
    name: "every append truncates, acknowledged entries too",
    file: "following.ts",
    original: "return entry.index <= commitIndex || log.holds(entry);",
    planted: "return entry.index <= commitIndex && log.holds(entry);",
  },
  {
    name: "heartbeat announces more than the follower has",
    file: "leadership.ts",
    original: "Math.min(state.commitIndex, peer.matchIndex)",
    planted: "state.commitIndex",
  },
  {
    name: "double apply",
    file: "commit.ts",
    original: "applyingIndex > appliedIndex || ",
    planted: "",
  },
  {
    name: "learner counted in the quorum",
    file: "quorum.ts",
    original: "{ voters, outgoing }: Membership,\n  reached: (id: NodeId) => number,",
    planted:
      "{ voters: only, outgoing, learners }: Membership, reached: (id: NodeId) => number, " +
      "voters = [...only, ...learners],",
  },
  {
    name: "joint phase decided by the new majority alone",
    file: "quorum.ts",
    original: "outgoing === null ? incoming",
    planted: "outgoing !== undefined ? incoming",
  },
  {
    name: "second membership change before the first is committed",
    file: "reconfiguration.ts",
    original: "if (memberships.latest.index > commitIndex) {",
    planted: "if (memberships.latest.index > commitIndex + 1e9) {",
  },
  {
    name: "membership kept after its entry was truncated",
    file: "following.ts",
    original: "    memberships.truncateFrom(start);\n",
    planted: "    if (state.term < 0) memberships.truncateFrom(start);\n",
  },
  {
    name: "read without asking a majority",
    file: "reading.ts",
    original: '(mode === "lease" && holdsLease(state, leader))',
    planted: "mode !== null",
  },
  {
    name: "read before the new leader's own entry is committed",
    file: "reading.ts",
    original: "const settled = state.commitIndex >= leader.termStart;",
    planted: "const settled = state.commitIndex >= 0;",
  },
  {
    name: "stale lease read",
    file: "reading.ts",
    original: "return state.nowMs < heardAtMs + leaseMs(state.options);",
    planted: "return state.nowMs < heardAtMs + 2 * leaseMs(state.options);",
  },
  {
    name: "lease kept after leadership was handed over",
    file: "transfer.ts",
    original: "leader.leaseForfeited = true;",
    planted: "leader.leaseForfeited = false;",
  },
  {
    name: "lease of a leader that is no voter any more",
    file: "reading.ts",
    original: " || !isVoter(membership, state.id)",
    planted: "",
  },
  {
    name: "restart forgets to protect the leader",
    file: "create-raft.ts",
    original: "lastLeaderContactMs: nowMs,",
    planted: "lastLeaderContactMs: nowMs - 1e9,",
  },
  {
    name: "damaged log votes",
    file: "create-raft.ts",
    original: "repair: hardState.repair,",
    planted: "repair: null,",
  },
  {
    name: "snapshot put together from two leaders' bytes",
    file: "snapshot-receiving.ts",
    original: "incoming.from !== from || incoming.term !== term",
    planted: "incoming.from === null",
    rare: true,
  },
];

const root = path.join(import.meta.dirname, "../..");

/** Loads a copy of the production core with the bug in it. */
export async function coreWith(bug: PlantedBug): Promise<Core> {
  return (await copyWith(bug, "consensus", ["consensus/index.ts"]))[0] as Core;
}

/** Copies a feature, plants the bug, and loads these of its modules. */
export async function copyWith(
  { name, file, original, planted }: PlantedBug,
  feature: string,
  modules: readonly string[],
): Promise<readonly unknown[]> {
  const folder = path.join(
    root,
    ".cache/planted",
    `${process.pid}-${name.replaceAll(/\W+/g, "-")}`,
  );
  for (const each of ["base", feature]) {
    cpSync(path.join(root, "src", each), path.join(folder, each), { recursive: true });
  }
  const target = path.join(folder, feature, file);
  const source = readFileSync(target, "utf8");
  if (source.split(original).length !== 2) {
    throw new Error(`"${name}" no longer fits: ${file} should hold exactly one ${original}`);
  }
  writeFileSync(
    target,
    source.replace(original, () => planted),
  );
  try {
    const loaded: unknown[] = [];
    for (const each of modules) {
      loaded.push(await import(/* @vite-ignore */ pathToFileURL(path.join(folder, each)).href));
    }
    return loaded;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
