/** Ways around a trouble: steered, proven, held, and withdrawn when the trouble has passed. */

import { describe, expect, it } from "vitest";
import { fault } from "../../../../src/base/index.ts";
import { LossyMesh } from "../support/lossy-mesh.ts";
import { failsWith, succeeds } from "../support/scenario.ts";

/** Loses 60 % from beat 10 on. */
function lossy(of: ConstructorParameters<typeof LossyMesh>[0] = {}): LossyMesh {
  const mesh = new LossyMesh(of);
  mesh.scenario.beat(10);
  mesh.lossRatio = 0.6;
  return mesh;
}

describe("a lossy link with another way around it", () => {
  it("is avoided while it is lossy, and used again when it is well", () => {
    const mesh = lossy();
    mesh.scenario.beat(30);
    expect(mesh.overrideKbps).toBe(5_000);
    mesh.lossRatio = 0;
    mesh.scenario.beat(40);
    expect(mesh.overrideKbps).toBe(0);
    expect(mesh.scenario.transcript()).toMatchInlineSnapshot(`
      "13:
         raised link-loss:link/wlan0/02:00:00:00:00:03
         decided #1 on link-loss:link/wlan0/02:00:00:00:00:03: admitted
         apply #1: set the throughput override of wlan0 to 5000 kbit/s
      14:
         #1 verifying: applied: set the throughput override of wlan0 to 5000 kbit/s
      17:
         #1 holding, healed: no traffic takes the bad link any more
      50:
         cleared link-loss:link/wlan0/02:00:00:00:00:03 after 37 s
      57:
         #1 withdrawing: withdrawn: its cause stayed away for 10 beats
         undo #1: restore: set no throughput override on wlan0
      58:
         #1 closed: withdrawn: what was there before is restored"
    `);
    expect(mesh.scenario.decision(1)).toMatchObject({
      phase: "closed",
      verdict: { outcome: "healed", reason: "no traffic takes the bad link any more" },
      withdrawal: { outcome: "withdrawn" },
    });
    expect(mesh.scenario.journal.size).toBe(0);
  });

  it("keeps its entry in the crash journal for as long as it is avoided", () => {
    const mesh = lossy();
    mesh.scenario.beat(60);
    const [open] = mesh.scenario.journal.values();
    expect(open).toMatchObject({ phase: "holding", plan: { undo: [{ kind: "restore" }] } });
  });

  it("is watched on by the next process, which takes the override back in the end", () => {
    const mesh = lossy();
    mesh.scenario.beat(30);
    mesh.scenario.crash();
    mesh.scenario.beat(30);
    expect(mesh.overrideKbps).toBe(5_000);
    mesh.lossRatio = 0;
    mesh.scenario.beat(40);
    expect(mesh.overrideKbps).toBe(0);
    expect(mesh.scenario.decisions).toHaveLength(1);
    expect(mesh.scenario.decision(1).withdrawal?.outcome).toBe("withdrawn");
  });

  it("does not keep other repairs waiting while it is avoided", () => {
    const mesh = lossy();
    mesh.scenario.beat(30);
    mesh.scenario.set("wlan1", "no-carrier");
    mesh.scenario.beat(5);
    expect(mesh.scenario.decision(2)).toMatchObject({
      admission: { kind: "admitted" },
      plan: { actions: [{ kind: "interface-bounce", interface: "wlan1" }] },
    });
  });

  it("is used again at once when steering did not move the traffic", () => {
    const mesh = lossy();
    mesh.obeys = false;
    mesh.scenario.beat(25);
    expect(mesh.overrideKbps).toBe(0);
    expect(mesh.scenario.decision(1)).toMatchObject({
      verdict: { outcome: "undone", reason: "traffic still took the bad link after 15 s" },
      withdrawal: null,
    });
  });

  it("is held longer when it keeps coming back", () => {
    const mesh = lossy();
    const releases: (number | undefined)[] = [];
    for (let round = 0; round < 3; round++) {
      mesh.lossRatio = 0.6;
      mesh.scenario.beat(150);
      releases.push(mesh.scenario.decisions.at(-1)?.plan.standing?.releaseBeats);
      mesh.lossRatio = 0;
      mesh.scenario.beat(150);
    }
    expect(releases).toEqual([10, 20, 40]);
    expect(mesh.overrideKbps).toBe(0);
  });
});

describe("the withdrawal", () => {
  it("waits for as long as nobody can see the cause, but not for ever", () => {
    const mesh = lossy();
    mesh.scenario.beat(30);
    mesh.scenario.blind.add("linkLoss");
    mesh.lossRatio = 0;
    mesh.scenario.beat(290);
    expect(mesh.overrideKbps).toBe(5_000);
    mesh.scenario.beat(30);
    expect(mesh.overrideKbps).toBe(0);
    expect(mesh.scenario.decision(1).timeline.map(({ what }) => what)).toContain(
      "withdrawn: nobody could see its cause for 5 minutes",
    );
  });

  it("that fails is tried again until it is done", () => {
    const mesh = lossy();
    mesh.scenario.beat(30);
    const works = mesh.scenario.onUndo;
    mesh.scenario.onUndo = failsWith("E_ACTION_FAILED", "no answer");
    mesh.lossRatio = 0;
    mesh.scenario.beat(60);
    expect(mesh.scenario.decision(1)).toMatchObject({ phase: "holding", withdrawal: null });
    mesh.scenario.onUndo = works;
    mesh.scenario.beat(15);
    expect(mesh.scenario.decision(1).withdrawal?.outcome).toBe("withdrawn");
    expect(mesh.overrideKbps).toBe(0);
  });

  it.each([
    ["superseded", "E_SUPERSEDED"],
    ["vanished", "E_NO_SUCH_SUBJECT"],
  ])("ends as %s when there is nothing of ours to take back (%s)", (outcome, code) => {
    const mesh = lossy();
    mesh.scenario.beat(30);
    mesh.scenario.onUndo = () => ({ ok: false, fault: fault(code, "why") });
    mesh.lossRatio = 0;
    mesh.scenario.beat(40);
    expect(mesh.scenario.decision(1)).toMatchObject({ phase: "closed", withdrawal: { outcome } });
    expect(mesh.scenario.journal.size).toBe(0);
  });
});

describe("a lossy link", () => {
  it("that is the only way to somebody is not touched", () => {
    const mesh = lossy();
    mesh.link = { routesWithoutAlternative: 1 };
    mesh.scenario.beat(30);
    expect(mesh.scenario.decision(1).admission).toMatchObject({
      kind: "refused",
      code: "E_LAST_PATH",
      reason: "one originator is reached over wlan0 alone",
    });
    expect(mesh.overrideKbps).toBe(0);
  });

  it("that no traffic takes is only told", () => {
    const mesh = lossy();
    mesh.link = { routes: 0 };
    mesh.scenario.beat(30);
    expect(mesh.scenario.decision(1).plan).toMatchObject({
      actions: [{ kind: "tell", severity: "warning" }],
      standing: null,
    });
  });

  it("in mode observe is planned around, and nothing is touched", () => {
    const mesh = lossy({ mode: "observe" });
    mesh.scenario.onApply = succeeds;
    mesh.scenario.beat(30);
    expect(mesh.scenario.decision(1)).toMatchObject({
      admission: { kind: "observed" },
      plan: { actions: [{ kind: "throughput-override", throughputKbps: 5_000 }] },
    });
    expect(mesh.overrideKbps).toBe(0);
  });
});
