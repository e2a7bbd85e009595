/** What takes a setting back is read right before it is set, and stands in the journal by then. */

import { describe, expect, it } from "vitest";
import { failed, fault, ok } from "../../../../src/base/index.ts";
import { type Action, restoreOf, type SettingAction } from "../../../../src/mape-k/action.ts";
import type { Decision } from "../../../../src/mape-k/decision.ts";
import type { Actuator } from "../../../../src/mape-k/execute/actuator.ts";
import { type ExecutionReport, Executor } from "../../../../src/mape-k/execute/executor.ts";
import { MemoryActionJournal } from "../../../../src/mape-k/io/index.ts";
import { sampleDecision } from "../../../compliance/sample-decision.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const override = (throughputKbps: number): SettingAction => ({
  kind: "throughput-override",
  interface: "wlan0",
  throughputKbps,
});
const elp = (intervalMs: number): SettingAction => ({
  kind: "elp-interval",
  interface: "wlan0",
  intervalMs,
});

function decisionTo(...actions: Action[]): Decision {
  const decision = sampleDecision(1);
  return { ...decision, plan: { ...decision.plan, actions, undo: [] } };
}

function executorWith(change: Partial<Actuator> = {}) {
  const journal = new MemoryActionJournal({ capacity: 4 });
  const reports: ExecutionReport[] = [];
  /** What the journal said when each action began. */
  const journalledUndo: (readonly Action[])[] = [];
  const actuator: Actuator = {
    kinds: ["throughput-override", "elp-interval"],
    async undoFor(action) {
      const before = action.kind === "elp-interval" ? elp(500) : override(700);
      return ok(restoreOf(action as SettingAction, before));
    },
    async apply() {
      const open = await journal.recover();
      if (open.ok) journalledUndo.push(open.value[0]?.decision.plan.undo ?? []);
      return ok(undefined);
    },
    ...change,
  };
  const executor = new Executor(
    {
      clock: new ManualClock(),
      logger: recordingLogger(),
      actuators: [actuator],
      journal,
      report: (report) => reports.push(report),
    },
    { actionTimeoutMs: 20_000 },
  );
  const applied = () => reports.find((report) => report.kind === "applied");
  return { executor, journal, applied, journalledUndo };
}

describe("a plan of settings", () => {
  it("is in the journal with what was read, last done first undone, before it begins", async () => {
    const { executor, applied, journalledUndo } = executorWith();
    executor.apply(decisionTo(override(100), elp(900)));
    await settle();
    const undo = [restoreOf(elp(900), elp(500)), restoreOf(override(100), override(700))];
    expect(journalledUndo).toEqual([undo, undo]);
    expect(applied()).toMatchObject({ result: { ok: true }, undo });
  });

  it("is not begun when what was there before cannot be read", async () => {
    const gone = failed(fault("E_NO_SUCH_SUBJECT" as const, "no wlan0"));
    const { executor, applied, journal, journalledUndo } = executorWith({
      undoFor: async () => gone,
    });
    executor.apply(decisionTo(override(100)));
    await settle();
    expect(applied()).toMatchObject({ result: gone, undo: [] });
    expect(journalledUndo).toEqual([]);
    expect(await journal.recover()).toEqual(ok([]));
  });

  it("is not begun by an actuator that cannot say what takes it back", async () => {
    const { executor, applied } = executorWith();
    executor.apply(decisionTo({ kind: "interface-mtu", interface: "wlan0", mtuBytes: 1_400 }));
    await settle();
    expect(applied()).toMatchObject({ result: { fault: { code: "E_NO_CAPABILITY" } }, undo: [] });
  });

  it("that breaks off has its whole undo reported: restoring what was not set does nothing", async () => {
    const { executor, applied } = executorWith({
      apply: async () => failed(fault("E_ACTION_FAILED", "no")),
    });
    executor.apply(decisionTo(override(100), elp(900)));
    await settle();
    expect(applied()).toMatchObject({ result: { ok: false }, undo: [{}, {}] });
  });
});
