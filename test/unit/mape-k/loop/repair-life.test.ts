/** The life of a repair, as transcripts: beat by beat, what was seen, decided and done. */

import { describe, expect, it } from "vitest";
import { policy } from "../support/readings.ts";
import { failsWith, Scenario, staysSilent } from "../support/scenario.ts";

/** An interface loses its carrier at beat 3. */
function broken(of: ConstructorParameters<typeof Scenario>[1] = {}): Scenario {
  const mesh = new Scenario(["mesh0", "mesh1"], of);
  mesh.beat(2);
  mesh.set("mesh0", "no-carrier");
  return mesh;
}

/** One that was set down, which "up" repairs and "down" takes back. */
function setDown(of: ConstructorParameters<typeof Scenario>[1] = {}): Scenario {
  const mesh = new Scenario(["mesh0", "mesh1"], of);
  mesh.beat(2);
  mesh.set("mesh0", "set-down");
  return mesh;
}

const heals = (_: unknown, mesh: Scenario) => {
  mesh.set("mesh0", "up");
  return { ok: true, value: undefined } as const;
};

describe("in mode act", () => {
  it("a repair that helps is applied, watched for three beats, and called healed", () => {
    const mesh = broken();
    mesh.onApply = heals;
    mesh.beat(20);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4: mesh0 is up
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      6:
         cleared interface-down:interface/mesh0 after 3 s
         #1 closed, healed: the symptom went away and stayed away"
    `);
    expect(mesh.decision(1).verdict).toMatchObject({ tookMs: 3_000, after: [] });
    expect(mesh.journal.size).toBe(0);
  });

  it("one without gain is taken back, and the next waits longer each time", () => {
    const mesh = broken();
    mesh.beat(240);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4:
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      19:
         #1 undoing: taken back: the symptom was still there after 15 s
         undo #1: set mesh0 up
      20:
         #1 closed, undone: the symptom was still there after 15 s
         decided #2 on interface-down:interface/mesh0: refused E_COOL_DOWN
      33:
         decided #3 on interface-down:interface/mesh0: admitted
         apply #3: set mesh0 down and up again after 500 ms
      34:
         #3 verifying: applied: set mesh0 down and up again after 500 ms
      49:
         #3 undoing: taken back: the symptom was still there after 15 s
         undo #3: set mesh0 up
      50:
         #3 closed, undone: the symptom was still there after 15 s
         decided #4 on interface-down:interface/mesh0: refused E_COOL_DOWN
      93:
         decided #5 on interface-down:interface/mesh0: admitted
         apply #5: set mesh0 down and up again after 500 ms
      94:
         #5 verifying: applied: set mesh0 down and up again after 500 ms
      109:
         #5 undoing: taken back: the symptom was still there after 15 s
         undo #5: set mesh0 up
      110:
         #5 closed, undone: the symptom was still there after 15 s
         decided #6 on interface-down:interface/mesh0: refused E_COOL_DOWN
      213:
         decided #7 on interface-down:interface/mesh0: admitted
         apply #7: set mesh0 down and up again after 500 ms
      214:
         #7 verifying: applied: set mesh0 down and up again after 500 ms
      229:
         #7 undoing: taken back: the symptom was still there after 15 s
         undo #7: set mesh0 up
      230:
         #7 closed, undone: the symptom was still there after 15 s
         decided #8 on interface-down:interface/mesh0: refused E_COOL_DOWN"
    `);
    expect(mesh.decision(1).verdict?.after).not.toEqual([]);
  });

  it("one that cannot be applied is taken back as well, for it may have been begun", () => {
    const mesh = setDown();
    mesh.onApply = failsWith("E_ACTION_FAILED", "RTNETLINK answers: Invalid argument");
    mesh.beat(10);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is set-down
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 up
      4:
         #1 undoing: taken back: RTNETLINK answers: Invalid argument
         undo #1: set mesh0 down
      5:
         #1 closed, not-applied: RTNETLINK answers: Invalid argument
         decided #2 on interface-down:interface/mesh0: refused E_COOL_DOWN"
    `);
  });

  it("one that was never begun, for want of a journal, is not taken back", () => {
    const mesh = setDown();
    mesh.onApply = failsWith("E_JOURNAL_WRITE", "no space left");
    mesh.beat(10);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is set-down
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 up
      4:
         #1 closed, not-applied: no space left
         decided #2 on interface-down:interface/mesh0: refused E_COOL_DOWN"
    `);
  });

  it("when the undo fails too, somebody must look, and nothing more is tried", () => {
    const mesh = broken();
    mesh.onUndo = failsWith("E_NO_SUCH_SUBJECT", "there is no interface mesh0");
    mesh.beat(200);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4:
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      19:
         #1 undoing: taken back: the symptom was still there after 15 s
         undo #1: set mesh0 up
      20:
         #1 closed, undo-failed: the symptom was still there after 15 s; and the undo failed: there is no interface mesh0"
    `);
  });

  it("an undo never takes down an interface that carries traffic, be it by fits and starts", () => {
    const mesh = setDown();
    mesh.onApply = (_, { set }) => {
      set.call(mesh, "mesh0", "up");
      return { ok: true, value: undefined };
    };
    mesh.beat(2);
    for (let n = 0; n < 8; n++) {
      mesh.set("mesh0", n % 2 === 0 ? "no-carrier" : "up");
      mesh.beat(2);
    }
    mesh.beat(30);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is set-down
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 up
      4: mesh0 is up
         #1 verifying: applied: set mesh0 up
      5: mesh0 is no-carrier
      7: mesh0 is up
      9: mesh0 is no-carrier
         raised flapping:interface/mesh0
         cleared interface-down:interface/mesh0 after 6 s
         decided #2 on flapping:interface/mesh0: admitted
         apply #2: tell: mesh0 changed its carrier 5 times in 30 s
      10: mesh0 is up
         #2 closed, told: it was told
      13: mesh0 is no-carrier
      15: mesh0 is up
      17: mesh0 is no-carrier
      19: mesh0 is up
         #1 closed, undo-failed: the symptom was still there after 15 s; not taken back, for mesh0 may carry traffic"
    `);
  });
});

describe("a sensor that is blind", () => {
  it("while a bounce is verified: taken back, for that does no harm", () => {
    const mesh = broken();
    mesh.onApply = (decision, world) => {
      world.blind.add("interfaces");
      return heals(decision, world);
    };
    mesh.beat(25);
    mesh.blind.clear();
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4: mesh0 is up
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      19:
         #1 undoing: taken back: nobody could see whether it helped
         undo #1: set mesh0 up
      20:
         #1 closed, undone: nobody could see whether it helped
      30:
         cleared interface-down:interface/mesh0 after 27 s"
    `);
  });

  it("while a setting up is verified: left in place, for it may carry traffic by now", () => {
    const mesh = setDown();
    mesh.onApply = (decision, world) => {
      world.blind.add("interfaces");
      return heals(decision, world);
    };
    mesh.beat(25);
    mesh.blind.clear();
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is set-down
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 up
      4: mesh0 is up
         #1 verifying: applied: set mesh0 up
      19:
         #1 closed, undo-failed: nobody could see whether it helped; not taken back, for mesh0 may carry traffic
      30:
         cleared interface-down:interface/mesh0 after 27 s"
    `);
  });

  it("for a part of the time only: the rest is enough", () => {
    const mesh = broken();
    mesh.onApply = (decision, world) => {
      world.blind.add("interfaces");
      return heals(decision, world);
    };
    mesh.beat(8);
    mesh.blind.clear();
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4: mesh0 is up
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      13:
         cleared interface-down:interface/mesh0 after 10 s
         #1 closed, healed: the symptom went away and stayed away"
    `);
  });

  it("while a symptom waits for its cool-down: no plan is made blindly", () => {
    const mesh = broken();
    mesh.beat(30);
    mesh.blind.add("interfaces");
    mesh.beat(20);
    mesh.blind.clear();
    mesh.transcript();
    mesh.beat(2);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "53:
         decided #3 on interface-down:interface/mesh0: admitted
         apply #3: set mesh0 down and up again after 500 ms
      54:
         #3 verifying: applied: set mesh0 down and up again after 500 ms"
    `);
  });

  it("an interface that its repair made disappear is not healed", () => {
    const mesh = broken();
    mesh.onApply = (_, world) => {
      world.set("mesh0", "gone");
      return { ok: true, value: undefined };
    };
    mesh.onUndo = failsWith("E_NO_SUCH_SUBJECT", "there is no interface mesh0");
    mesh.beat(25);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4: mesh0 is gone
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      6:
         cleared interface-down:interface/mesh0 after 3 s
      19:
         #1 undoing: taken back: mesh0 disappeared
         undo #1: set mesh0 up
      20:
         #1 closed, undo-failed: mesh0 disappeared; and the undo failed: there is no interface mesh0"
    `);
  });
});

describe("in mode confirm", () => {
  it("a yes repairs", () => {
    const mesh = broken({ mode: "confirm" });
    mesh.onApply = heals;
    mesh.beat(5);
    mesh.answer(1, true);
    mesh.beat(10);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: awaiting-confirmation
      8: a person says yes to #1
         #1 applying: confirmed by a person
         apply #1: set mesh0 down and up again after 500 ms
      9: mesh0 is up
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      11:
         cleared interface-down:interface/mesh0 after 8 s
         #1 closed, healed: the symptom went away and stayed away"
    `);
    expect(mesh.state.guard.repairs).toHaveLength(1);
  });

  it("a no is final until the symptom has cleared", () => {
    const mesh = broken({ mode: "confirm" });
    mesh.beat(2);
    mesh.answer(1, false);
    mesh.beat(100);
    mesh.set("mesh0", "up");
    mesh.beat(5);
    mesh.set("mesh0", "no-carrier");
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: awaiting-confirmation
      5: a person says no to #1
         #1 closed: a person said no
      105: mesh0 is up
      107:
         cleared interface-down:interface/mesh0 after 104 s
      110: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #2 on interface-down:interface/mesh0: awaiting-confirmation"
    `);
    expect(mesh.decision(1)).toMatchObject({
      admission: { kind: "refused", code: "E_CONFIRMATION_DENIED" },
      verdict: null,
    });
    expect(mesh.state.guard.repairs).toEqual([]);
  });

  it("no answer is a no when the time is up", () => {
    const mesh = broken({ mode: "confirm" });
    mesh.beat(1_000);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: awaiting-confirmation
      903:
         #1 closed: nobody answered in time"
    `);
    expect(mesh.decision(1).admission).toMatchObject({ code: "E_CONFIRMATION_EXPIRED" });
  });

  it.each([86_400_000, -86_400_000])("a wall clock that jumps by %i ms changes nothing", (jump) => {
    const mesh = broken({ mode: "confirm" });
    mesh.beat(5);
    mesh.wallOffsetMs += jump;
    mesh.beat(890);
    expect(mesh.decision(1).phase).toBe("waiting");
    mesh.beat(10);
    expect(mesh.decision(1).phase).toBe("closed");
  });

  it("a plan is withdrawn when its symptom goes away: a late yes would hit what works", () => {
    const mesh = broken({ mode: "confirm" });
    mesh.beat(2);
    mesh.set("mesh0", "up");
    mesh.beat(4);
    mesh.answer(1, true);
    mesh.beat(2);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: awaiting-confirmation
      5: mesh0 is up
      7:
         cleared interface-down:interface/mesh0 after 4 s
         #1 closed: the symptom went away before anybody answered
      9: a person says yes to #1"
    `);
  });

  it("a yes in the very beat in which the symptom goes away is too late as well", () => {
    const mesh = broken({ mode: "confirm" });
    mesh.beat(2);
    mesh.set("mesh0", "up");
    mesh.beat(1);
    mesh.answer(1, true);
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: awaiting-confirmation
      5: mesh0 is up
      6: a person says yes to #1
         #1 closed: the symptom went away before anybody answered
      7:
         cleared interface-down:interface/mesh0 after 4 s"
    `);
  });

  it("a second answer changes nothing", () => {
    const mesh = broken({ mode: "confirm" });
    mesh.beat(2);
    mesh.answer(1, true);
    mesh.answer(1, false);
    mesh.beat(2);
    expect(mesh.decision(1).phase).toBe("verifying");
  });
});

describe("one symptom is no stream of decisions", () => {
  it("in mode observe there is one decision, however long it lasts", () => {
    const mesh = broken({ mode: "observe" });
    mesh.beat(500);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: observed"
    `);
  });

  it("a flapping interface gives one symptom and one decision", () => {
    const mesh = new Scenario(["mesh0", "mesh1"], {
      thresholds: { ...policy.thresholds, flapChanges: 3 },
    });
    mesh.onApply = staysSilentOnRepairs;
    mesh.beat(2);
    for (let change = 0; change < 40; change++) {
      mesh.set("mesh0", change % 2 === 0 ? "no-carrier" : "up");
      mesh.beat();
    }
    mesh.beat(40);
    const lines = mesh
      .transcript()
      .split("\n")
      .filter((line) => !/^\d+: mesh0 is/.test(line));
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "   raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
         raised flapping:interface/mesh0
         decided #2 on flapping:interface/mesh0: admitted
         apply #2: tell: mesh0 changed its carrier 3 times in 30 s
         #2 closed, told: it was told
         cleared interface-down:interface/mesh0 after 3 s
      74:
         cleared flapping:interface/mesh0 after 69 s"
    `);
  });

  it("an interface that dies while it flaps is repaired once the flapping is over", () => {
    const mesh = new Scenario(["mesh0", "mesh1"], {
      thresholds: { ...policy.thresholds, flapWindowMs: 90_000 },
    });
    mesh.beat(70);
    for (let change = 0; change < 9; change++) {
      mesh.set("mesh0", change % 2 === 0 ? "no-carrier" : "up");
      mesh.beat();
    }
    mesh.transcript();
    mesh.beat(120);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "87:
         #1 undoing: taken back: the symptom was still there after 15 s
         undo #1: set mesh0 up
      88:
         #1 closed, undone: the symptom was still there after 15 s
      169:
         raised interface-down:interface/mesh0
         decided #3 on interface-down:interface/mesh0: admitted
         apply #3: set mesh0 down and up again after 500 ms
      170:
         #3 verifying: applied: set mesh0 down and up again after 500 ms
      171:
         cleared flapping:interface/mesh0 after 96 s
      185:
         #3 undoing: taken back: the symptom was still there after 15 s
         undo #3: set mesh0 up
      186:
         #3 closed, undone: the symptom was still there after 15 s
         decided #4 on interface-down:interface/mesh0: refused E_COOL_DOWN"
    `);
  });

  it("what can only be told is told once, and once more when it gets worse", () => {
    const mesh = new Scenario([]);
    const storage = (availableBytes: number, writable: boolean) => {
      mesh.sections = { storage: [{ path: "/data", totalBytes: 1_000, availableBytes, writable }] };
    };
    storage(10, true);
    mesh.beat(50);
    storage(0, false);
    mesh.beat(50);
    storage(10, true);
    mesh.beat(50);
    storage(900, true);
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "1:
         raised storage-low:storage//data
         decided #1 on storage-low:storage//data: admitted
         apply #1: tell: the file system of /data: 1.0 % free
      2:
         #1 closed, told: it was told
      51:
         decided #2 on storage-low:storage//data: admitted
         apply #2: tell: the file system of /data: refuses writes
      52:
         #2 closed, told: it was told
      153:
         cleared storage-low:storage//data after 152 s"
    `);
  });

  it("what cannot even be told is not tried for ever", () => {
    const mesh = new Scenario([]);
    mesh.sections = { storage: [{ path: "/", totalBytes: 9, availableBytes: 0, writable: true }] };
    mesh.onApply = failsWith("E_NO_CAPABILITY", "nothing here can tell");
    mesh.beat(50);
    expect(mesh.decisions).toHaveLength(1);
    expect(mesh.decision(1).verdict).toMatchObject({ outcome: "not-applied" });
    expect(mesh.decision(1).verdict?.after).not.toEqual([]);
  });

  it("a wanted interface that appears late is told of, then repaired", () => {
    const mesh = new Scenario(["mesh1"], {
      thresholds: { ...policy.thresholds, wantedInterfaces: ["mesh0"] },
    });
    mesh.onApply = (decision, world) =>
      decision.plan.undo.length > 0 ? heals(decision, world) : { ok: true, value: undefined };
    mesh.beat(5);
    mesh.set("mesh0", "set-down");
    mesh.beat(10);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "1:
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: tell: mesh0 is named in the configuration and does not exist
      2:
         #1 closed, told: it was told
      6: mesh0 is set-down
         decided #2 on interface-down:interface/mesh0: admitted
         apply #2: set mesh0 up
      7: mesh0 is up
         #2 verifying: applied: set mesh0 up
      9:
         cleared interface-down:interface/mesh0 after 8 s
         #2 closed, healed: the symptom went away and stayed away"
    `);
  });
});

describe("after a crash", () => {
  it("in phase applying: what was half done is taken back at first sight", () => {
    const mesh = broken();
    mesh.onApply = staysSilent;
    mesh.beat(1);
    mesh.set("mesh0", "set-down");
    mesh.crash();
    mesh.onUndo = heals;
    mesh.beat(10);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4: mesh0 is set-down, the process dies and starts again
         #1 undoing: taken back: the process ended while the action was under way
         undo #1: set mesh0 up
      5: mesh0 is up
         #1 closed, undone: the process ended while the action was under way
      7:
         cleared interface-down:interface/mesh0 after 3 s"
    `);
  });

  it("in phase applying, with the sensors blind at first: it waits to see", () => {
    const mesh = setDown();
    mesh.onApply = staysSilent;
    mesh.beat(1);
    mesh.set("mesh0", "up");
    mesh.crash();
    mesh.blind.add("interfaces");
    mesh.beat(5);
    mesh.blind.clear();
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is set-down
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 up
      4: mesh0 is up, the process dies and starts again
      11:
         cleared interface-down:interface/mesh0 after 7 s
         #1 closed, healed: the symptom went away and stayed away"
    `);
  });

  it("in phase verifying: it gets its whole time again", () => {
    const mesh = broken();
    mesh.beat(10);
    mesh.crash();
    mesh.beat(14);
    mesh.set("mesh0", "up");
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "3: mesh0 is no-carrier
         raised interface-down:interface/mesh0
         decided #1 on interface-down:interface/mesh0: admitted
         apply #1: set mesh0 down and up again after 500 ms
      4:
         #1 verifying: applied: set mesh0 down and up again after 500 ms
      13: the process dies and starts again
      27: mesh0 is up
      29:
         cleared interface-down:interface/mesh0 after 16 s
         #1 closed, healed: the symptom went away and stayed away"
    `);
  });

  it("in phase undoing: the undo is done again", () => {
    const mesh = broken();
    mesh.onUndo = staysSilent;
    mesh.beat(20);
    mesh.crash();
    mesh.onUndo = () => ({ ok: true, value: undefined });
    mesh.transcript();
    mesh.beat(5);
    expect(mesh.transcript()).toMatchInlineSnapshot(`
      "23: the process dies and starts again
         #1 undoing: taken back: the process ended while the action was under way
         undo #1: set mesh0 up
      24:
         #1 closed, undone: the process ended while the action was under way
         decided #2 on interface-down:interface/mesh0: refused E_COOL_DOWN"
    `);
  });

  it("the repair counts against the cool-down, even when its record was lost", () => {
    const mesh = broken();
    mesh.onApply = staysSilent;
    mesh.beat(1);
    mesh.crash();
    mesh.onApply = (decision) => {
      throw new Error(`storm: ${decision.id}`);
    };
    mesh.beat(20);
    expect(mesh.state.guard.repairs).toEqual([{ atMs: 3_000, subject: "interface/mesh0" }]);
    expect(mesh.decision(1).verdict?.outcome).toBe("undone");
  });

  it("a repair that outlives many restarts keeps a short timeline, with its beginning", () => {
    const mesh = broken();
    mesh.onApply = staysSilent;
    mesh.beat(1);
    for (let n = 0; n < 200; n++) {
      mesh.onUndo = staysSilent;
      mesh.crash();
      mesh.beat(1);
    }
    const { timeline } = mesh.decision(1);
    expect(timeline).toHaveLength(32);
    expect(timeline[0]?.what).toBe("admitted by the guard");
    expect(timeline.at(-1)?.what).toContain("taken back");
  });
});

describe("a thousand interfaces down at once", () => {
  const names = Array.from({ length: 1_000 }, (_, n) => `m${n}`);
  function allDown(): Scenario {
    const mesh = new Scenario([...names, "spare"]);
    mesh.onApply = (_, { state }) => {
      expect(
        [...state.repairs.values()].filter((r) => r.decision.plan.undo.length > 0),
      ).toHaveLength(1);
      return { ok: true, value: undefined };
    };
    mesh.beat(2);
    for (const name of names) mesh.set(name, "no-carrier");
    return mesh;
  }

  it("makes a bounded number of decisions a beat, gets to all, and says each thing once", () => {
    const mesh = allDown();
    let before = 0;
    for (let beat = 0; beat < 40; beat++) {
      mesh.beat();
      expect(mesh.decisions.length - before).toBeLessThanOrEqual(64);
      before = mesh.decisions.length;
    }
    const about = new Set(mesh.decisions.map(({ symptom }) => symptom.key));
    expect(about.size).toBe(1_000);
    expect(mesh.decisions.filter(({ admission }) => admission.kind === "admitted").length).toBe(3);
    expect(mesh.decisions.length).toBeLessThan(1_010);
  });

  it("does not starve what comes after", () => {
    const mesh = allDown();
    mesh.beat(30);
    mesh.sections = { storage: [{ path: "/", totalBytes: 9, availableBytes: 0, writable: true }] };
    mesh.beat(2);
    const told = mesh.decisions.filter(({ symptom }) => symptom.kind === "storage-low");
    expect(told).toMatchObject([{ verdict: { outcome: "told" } }]);
  });
});

const staysSilentOnRepairs: Scenario["onApply"] = ({ plan }) =>
  plan.undo.length > 0 ? null : { ok: true, value: undefined };
