import { describe, expect, it } from "vitest";
import { type Fault, failed, fault, ok, type Result } from "../../../../src/base/index.ts";
import { type Action, describeAction } from "../../../../src/mape-k/action.ts";
import type { Decision } from "../../../../src/mape-k/decision.ts";
import type { ActionJournal } from "../../../../src/mape-k/execute/action-journal.ts";
import type { Actuator } from "../../../../src/mape-k/execute/actuator.ts";
import { Executor } from "../../../../src/mape-k/execute/executor.ts";
import { sampleDecision, sampleId } from "../../../compliance/sample-decision.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const noSpace = failed(fault("E_JOURNAL_WRITE", "no space left"));
const never = () => new Promise<never>(() => {});

interface Changes {
  readonly apply?: Actuator["apply"];
  readonly journal?: Partial<ActionJournal>;
  readonly onAction?: (action: Action, result: Result<void, Fault>) => void;
}

/** An executor whose every move is written down, in order. */
function executorOf({ apply, journal: changed = {}, onAction }: Changes = {}) {
  const moves: string[] = [];
  const clock = new ManualClock();
  const logger = recordingLogger();
  const short = (id: string) => `#${Number(id.slice(4))}`;
  const journal: ActionJournal = {
    capacity: 8,
    async open(entry) {
      const opened = (await changed.open?.(entry)) ?? ok(undefined);
      const { id, phase } = entry.decision;
      moves.push(`journal ${short(id)} ${phase}${opened.ok ? "" : " failed"}`);
      return opened;
    },
    async close(id) {
      const closed = (await changed.close?.(id)) ?? ok(undefined);
      moves.push(`strike ${short(id)}${closed.ok ? "" : " failed"}`);
      return closed;
    },
    recover: async () => ok([]),
    stop: async () => {},
  };
  const executor = new Executor(
    {
      clock,
      logger,
      journal,
      actuators: [
        {
          kinds: ["tell", "interface-up", "interface-bounce"],
          async apply(action, signal) {
            moves.push(`begin ${describeAction(action)}`);
            const result = await (apply?.(action, signal) ?? ok(undefined));
            moves.push(`end ${describeAction(action)}`);
            return result;
          },
        },
      ],
      report(report) {
        if (report.kind === "journal") {
          if (!report.ready) moves.push("report: the journal is not ready");
          return;
        }
        const result = report.result.ok ? "ok" : report.result.fault.code;
        moves.push(`report: ${short(report.id)} ${report.kind} ${result}`);
      },
      ...(onAction === undefined ? {} : { onAction }),
    },
    { actionTimeoutMs: 20_000 },
  );
  return { executor, moves, clock, logger };
}

const bounce = "set mesh0 down and up again after 500 ms";
const telling = (number: number): Decision => {
  const decision = sampleDecision(number);
  const actions = [{ kind: "tell", severity: "info", message: `hello ${number}` }] as const;
  return { ...decision, plan: { ...decision.plan, actions, undo: [] } };
};

describe("the executor", () => {
  it("journals a disruptive action before it begins, and strikes it out when it is closed", async () => {
    const { executor, moves } = executorOf();
    executor.apply(sampleDecision(1));
    executor.note(sampleDecision(1, { phase: "verifying" }));
    executor.undo(sampleDecision(1, { phase: "undoing" }));
    executor.close(sampleDecision(1));
    await settle();
    expect(moves).toEqual([
      "journal #1 applying",
      `begin ${bounce}`,
      `end ${bounce}`,
      "report: #1 applied ok",
      "journal #1 verifying",
      "journal #1 undoing",
      "begin set mesh0 up",
      "end set mesh0 up",
      "report: #1 undone ok",
      "strike #1",
    ]);
  });

  it("journals nothing for words", async () => {
    const { executor, moves } = executorOf();
    executor.apply(telling(1));
    executor.note(telling(1));
    executor.close(telling(1));
    await settle();
    expect(moves).toEqual(["begin tell: hello 1", "end tell: hello 1", "report: #1 applied ok"]);
  });

  it("does one thing after the other, in the order it was asked to", async () => {
    const { executor, moves } = executorOf({
      apply: async () => settle().then(() => ok(undefined)),
    });
    for (const number of [3, 1, 2]) executor.apply(telling(number));
    for (let n = 0; n < 6; n++) await settle();
    expect(moves.filter((move) => !move.startsWith("report"))).toEqual(
      [3, 1, 2].flatMap((n) => [`begin tell: hello ${n}`, `end tell: hello ${n}`]),
    );
  });

  it("does not begin what could not be journalled", async () => {
    const { executor, moves, logger } = executorOf({ journal: { open: async () => noSpace } });
    executor.apply(sampleDecision(1));
    await settle();
    expect(moves).toEqual([
      "journal #1 applying failed",
      "report: the journal is not ready",
      "report: #1 applied E_JOURNAL_WRITE",
    ]);
    expect(logger.lines).toEqual(["error: crash journal"]);
  });

  it("takes back what was done whether or not the journal can be written", async () => {
    const { executor, moves } = executorOf({ journal: { open: async () => noSpace } });
    executor.undo(sampleDecision(1, { phase: "undoing" }));
    await settle();
    expect(moves.slice(-3)).toEqual([
      "begin set mesh0 up",
      "end set mesh0 up",
      "report: #1 undone ok",
    ]);
  });

  it("says what nothing here can do", async () => {
    const { executor, moves } = executorOf();
    const decision = sampleDecision(1);
    const actions = [{ kind: "interface-down", interface: "mesh0" }] as const;
    executor.apply({ ...decision, plan: { ...decision.plan, actions } });
    await settle();
    expect(moves.at(-1)).toBe("report: #1 applied E_NO_CAPABILITY");
    expect([...executor.actionKinds]).toEqual(["tell", "interface-up", "interface-bounce"]);
  });

  it("ends a plan at its first action that fails, and tells of each", async () => {
    const told: string[] = [];
    const { executor, moves } = executorOf({
      apply: async ({ kind }) =>
        kind === "interface-bounce" ? failed(fault("E_NOT_PERMITTED", "no")) : ok(undefined),
      onAction: ({ kind }, result) => void told.push(`${kind} ${result.ok}`),
    });
    const decision = sampleDecision(1);
    const [first] = decision.plan.actions;
    if (first === undefined) throw new Error("a plan with an action");
    const up = { kind: "interface-up", interface: "mesh0" } as const;
    executor.apply({ ...decision, plan: { ...decision.plan, actions: [up, first, up] } });
    await settle();
    expect(told).toEqual(["interface-up true", "interface-bounce false"]);
    expect(moves.at(-1)).toBe("report: #1 applied E_NOT_PERMITTED");
  });

  it.each([
    {
      what: "an actuator",
      code: "E_ACTION_FAILED",
      changes: { apply: () => Promise.reject(new Error("a bug")) },
    },
    {
      what: "a journal",
      code: "E_JOURNAL_WRITE",
      changes: { journal: { open: () => Promise.reject(new Error("a bug")) } },
    },
    {
      what: "whoever counts actions",
      code: "E_ACTION_FAILED",
      changes: {
        onAction() {
          throw new Error("a bug");
        },
      },
    },
  ])("reports a result even when $what throws: no repair may wait for ever", async (of) => {
    const { executor, moves } = executorOf(of.changes);
    executor.apply(sampleDecision(1));
    executor.apply(sampleDecision(2));
    await settle();
    expect(moves).toContain(`report: #1 applied ${of.code}`);
    expect(moves).toContain(`report: #2 applied ${of.code}`);
  });
});

describe("an action that takes too long", () => {
  it("is told to end when its time is up, and its own word is reported", async () => {
    const { executor, moves, clock } = executorOf({
      apply: (_, signal) =>
        new Promise((resolve) => {
          const end = () => resolve(failed(fault("E_ACTION_TIMEOUT", "stopped")));
          signal.addEventListener("abort", end);
        }),
    });
    executor.apply(sampleDecision(1));
    await clock.advance(19_999);
    expect(moves.at(-1)).toBe(`begin ${bounce}`);
    await clock.advance(1);
    await settle();
    expect(moves.at(-1)).toBe("report: #1 applied E_ACTION_TIMEOUT");
    expect(clock.sleepers).toBe(0);
  });

  it("has a minute to put right what it broke off", async () => {
    const { executor, moves, clock } = executorOf({
      async apply() {
        await clock.sleep(70_000);
        return ok(undefined);
      },
    });
    executor.apply(sampleDecision(1));
    await clock.advance(70_000);
    await settle();
    expect(moves.at(-1)).toBe("report: #1 applied ok");
  });

  it("holds up the others no longer than that, even if it never ends", async () => {
    const { executor, moves, clock } = executorOf({
      apply: ({ kind }) => (kind === "tell" ? Promise.resolve(ok(undefined)) : never()),
    });
    executor.apply(sampleDecision(1));
    executor.apply(telling(2));
    await clock.advance(79_999);
    expect(moves).not.toContain("report: #2 applied ok");
    await clock.advance(1);
    await settle();
    expect(moves).toContain("report: #1 applied E_ACTION_TIMEOUT");
    expect(moves).toContain("report: #2 applied ok");
    await executor.stop();
  });

  it("leaves no timer behind when it ends in time", async () => {
    const { executor, clock } = executorOf();
    executor.apply(sampleDecision(1));
    await settle();
    expect(clock.sleepers).toBe(0);
  });
});

describe("stopping", () => {
  it("ends the action under way, reports nothing of it, and leaves it in the journal", async () => {
    const { executor, moves } = executorOf({
      apply: (_, signal) =>
        new Promise((resolve) => {
          const end = () => resolve(failed(fault("E_ACTION_TIMEOUT", "stopped")));
          signal.addEventListener("abort", end);
        }),
    });
    executor.apply(sampleDecision(1));
    executor.apply(sampleDecision(2));
    await settle();
    await executor.stop();
    expect(moves).toEqual(["journal #1 applying", `begin ${bounce}`, `end ${bounce}`]);
  });

  it("still strikes out what is closed, or the next start would take it up again", async () => {
    const { executor, moves } = executorOf({
      apply: async () => settle().then(() => ok(undefined)),
    });
    executor.apply(telling(1));
    executor.close(sampleDecision(2));
    await executor.stop();
    expect(moves).toContain("strike #2");
  });

  it("does not begin anything afterwards", async () => {
    const { executor, moves } = executorOf();
    await executor.stop();
    executor.apply(sampleDecision(1));
    executor.undo(sampleDecision(1));
    executor.note(sampleDecision(1));
    await settle();
    expect(moves).toEqual([]);
  });

  it("does not wait for a journal that could not be written", async () => {
    const { executor, clock } = executorOf({ journal: { close: async () => noSpace } });
    executor.close(sampleDecision(1));
    await clock.advance(60_000);
    await executor.stop();
    await settle();
    expect(clock.sleepers).toBe(0);
  });
});

describe("a journal that cannot be written for a while", () => {
  it("is tried again until the entry is struck out; then repairs may go on", async () => {
    let full = true;
    const ready: boolean[] = [];
    const { executor, moves, clock, logger } = executorOf({
      journal: {
        async close(id) {
          expect(id).toBe(sampleId(1));
          ready.push(!full);
          return full ? noSpace : ok(undefined);
        },
      },
    });
    executor.close(sampleDecision(1));
    await clock.advance(30_000);
    full = false;
    await clock.advance(10_000);
    await settle();
    expect(ready).toEqual([false, false, false, false, true]);
    expect(moves.at(-1)).toBe("strike #1");
    await clock.advance(600_000);
    expect(ready).toHaveLength(5);
    expect(logger.lines).toEqual(["error: crash journal"]);
  });
});
