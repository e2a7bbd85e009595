import { describe, expect, it } from "vitest";
import { type NodeId, seededRandom } from "../../../src/base/index.ts";
import {
  asTerm,
  createRaft,
  defaultRaftOptions,
  type Effect,
  nothingRecovered,
  type RaftState,
  statusOf,
  step,
} from "../../../src/consensus/index.ts";

const id = "a" as NodeId;
const leader = "b" as NodeId;
const membership = { voters: [{ id: leader, address: "b:1" }], outgoing: null, learners: [] };

function follower(): RaftState {
  const parts = { random: seededRandom(1), recovered: nothingRecovered };
  const created = createRaft(parts, { id, clusterId: "test" }, defaultRaftOptions, 0);
  if (!created.ok) throw new Error(created.fault.message);
  return created.value;
}

/** A chunk of the snapshot at `index`, four bytes each; what it leads to besides the leader's name. */
function chunk(state: RaftState, index: number, offset: number, done = false, from = leader) {
  const header = { clusterId: "test", protocolVersion: 1, from, to: id, term: asTerm(3) };
  const snapshot = { index, term: asTerm(2), membership };
  const body = {
    kind: "snapshot-chunk" as const,
    snapshot,
    offset,
    bytes: new Uint8Array(4),
    done,
  };
  return words(step(state, [{ kind: "message", message: { ...header, ...body } }], 1));
}

function written(state: RaftState, index: number, offset: number) {
  return words(step(state, [{ kind: "snapshot-chunk-written", index, offset }], 1));
}

function words(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.kind === "write-snapshot-chunk") return [`write ${effect.index}+${effect.offset}`];
    if (effect.kind === "install-snapshot") return [`install ${effect.snapshot.index}`];
    if (effect.kind !== "send" || effect.message.kind !== "snapshot-progress") return [];
    return [`wants ${effect.message.index}+${effect.message.nextOffset}`];
  });
}

describe("a snapshot on its way in", () => {
  it("is stored chunk by chunk, then installed", () => {
    const state = follower();
    expect(chunk(state, 9, 0)).toEqual(["write 9+0"]);
    expect(written(state, 9, 0)).toEqual(["wants 9+4"]);
    expect(chunk(state, 9, 4, true)).toEqual(["write 9+4"]);
    expect(written(state, 9, 4)).toEqual(["install 9"]);
    step(state, [{ kind: "snapshot-installed", index: 9, sound: true }], 1);
    expect(statusOf(state)).toMatchObject({ commitIndex: 9, appliedIndex: 9, lastIndex: 9 });
  });

  it("never takes a late chunk of an older one for its own, though the place would fit", () => {
    const state = follower();
    chunk(state, 9, 0);
    written(state, 9, 0);
    expect(chunk(state, 7, 4)).toEqual([]);
    expect(chunk(state, 9, 4)).toEqual(["write 9+4"]);
  });

  it("gives way to a newer one", () => {
    const state = follower();
    chunk(state, 7, 0);
    expect(chunk(state, 9, 0)).toEqual(["write 9+0"]);
    expect(written(state, 7, 0)).toEqual([]);
    expect(written(state, 9, 0)).toEqual(["wants 9+4"]);
  });

  it("says where it is when a chunk was lost or repeated", () => {
    const state = follower();
    chunk(state, 9, 0);
    written(state, 9, 0);
    expect(chunk(state, 9, 8)).toEqual(["wants 9+4"]);
    expect(chunk(state, 9, 0)).toEqual(["wants 9+4"]);
  });

  it("starts over when it turns out damaged", () => {
    const state = follower();
    chunk(state, 9, 0, true);
    expect(written(state, 9, 0)).toEqual(["install 9"]);
    const effects = step(state, [{ kind: "snapshot-installed", index: 9, sound: false }], 1);
    expect(words(effects)).toEqual(["wants 9+0"]);
    expect(statusOf(state)).toMatchObject({ commitIndex: 0, lastIndex: 0 });
    expect(chunk(state, 9, 0)).toEqual(["write 9+0"]);
  });
});
