/**
 * Appends to the Raft log in the folder it is given until it is killed. Says `found ...` first, then
 * what is on disk: `vote <term>`, `entry <index> <term>`, and `snapshot <index> <term>` before it
 * compacts up to there. What an entry holds follows from its index and term.
 *
 * Arguments: folder, seed, and the index and term of the last snapshot, 0 for none.
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { type NodeId, seededRandom, silentLogger } from "../../../src/base/index.ts";
import { asTerm, type HardState } from "../../../src/consensus/index.ts";
import { lockFolder, SegmentedLog } from "../../../src/consensus/io/index.ts";
import { realClock } from "../../support/real-clock.ts";

const [folder = "", seed = "1", snapshotIndex = "0", snapshotTerm = "0"] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const say = (line: string) => writeSync(1, `${line}\n`);
const noMembers = { voters: [], outgoing: null, learners: [] };
const snapshotAt = (index: number, term: number) =>
  index === 0 ? null : { index, term: asTerm(term), membership: noMembers };

function entryOf(index: number, term: number) {
  const command = Buffer.alloc(16 + ((index * 37) % 500), `${index} in ${term};`);
  return { index, term: asTerm(term), kind: "command" as const, command };
}

const locked = await lockFolder(folder, { random });
if (!locked.ok) throw new Error(locked.fault.message);
const log = new SegmentedLog(
  { clock: realClock, random, logger: silentLogger },
  {
    folder,
    clusterId: "c",
    nodeId: "n1",
    mayCreate: true,
    segmentBytes: 256 << 10,
    markAfterMs: random.uint32() % 4,
  },
);
const recovered = await log.recover(snapshotAt(Number(snapshotIndex), Number(snapshotTerm)));
if (!recovered.ok) throw new Error(recovered.fault.message);
const { hardState, base, entries } = recovered.value;
const wrong = entries.find(
  (entry, at) =>
    entry.kind !== "command" ||
    entry.index !== base.index + 1 + at ||
    !entryOf(entry.index, entry.term).command.equals(entry.command),
);
let lastIndex = base.index + entries.length;
const { votedFor, repair } = hardState;
const found = { lastIndex, term: hardState.term, votedFor, repair, wrong: wrong?.index ?? null };
say(`found ${JSON.stringify(found)}`);

const terms = new Map<number, number>(entries.map((entry) => [entry.index, entry.term]));
let compacted = Math.max(base.index, Number(snapshotIndex));
let term = hardState.term + 1;
const voteNow = (): HardState => ({
  term: asTerm(term),
  votedFor: `n${term}` as NodeId,
  repair: null,
});
await log.write({ hardState: voteNow(), entries: [] });
say(`vote ${term}`);

async function client(): Promise<void> {
  for (;;) {
    // Now and then a newer leader replaces the last entries.
    const isNewLeader = random.uint32() % 1_000 < 3;
    if (isNewLeader) term++;
    const first = isNewLeader ? Math.max(compacted + 1, lastIndex - 5) : lastIndex + 1;
    const written = [entryOf(first, term)];
    if (isNewLeader) written.push(entryOf(first + 1, term));
    lastIndex = first + written.length - 1;
    for (const { index } of written) terms.set(index, term);
    const under = term;
    const index = lastIndex;
    await log.write({ hardState: isNewLeader ? voteNow() : null, entries: written });
    if (isNewLeader) say(`vote ${under}`);
    say(`entry ${index} ${under}`);
    if (index > compacted + 5_000) await compact(index - 500);
  }
}

async function compact(index: number): Promise<void> {
  compacted = index;
  const snapshot = snapshotAt(index, terms.get(index) ?? 0);
  if (snapshot === null) return;
  say(`snapshot ${index} ${snapshot.term}`);
  await log.compact(snapshot, snapshot);
}

await Promise.all(Array.from({ length: 1 + (random.uint32() % 64) }, client));
