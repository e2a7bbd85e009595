import { describe, expect, it } from "vitest";
import { failed, fault, ok } from "../../../../src/base/index.ts";
import type { Decision } from "../../../../src/mape-k/decision.ts";
import type { DecisionLog } from "../../../../src/mape-k/knowledge/decision-log.ts";
import { DecisionRecorder } from "../../../../src/mape-k/knowledge/decision-recorder.ts";
import { sampleDecision } from "../../../compliance/sample-decision.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { recordingLogger } from "../../support/recording-logger.ts";

const broken = failed(fault("E_STORAGE_WRITE", "no space left"));

function recorderOver(of: Partial<DecisionLog> = {}, options = {}) {
  const written: number[] = [];
  const pruned: number[] = [];
  const log: DecisionLog = {
    async put({ beat }: Decision) {
      written.push(beat);
      return ok(undefined);
    },
    async prune(keep) {
      pruned.push(keep);
      return ok(0);
    },
    get: async () => ok(null),
    list: async () => ok([]),
    stop: async () => {},
    ...of,
  };
  const clock = new ManualClock();
  const logger = recordingLogger();
  const recorder = new DecisionRecorder(
    { clock, log, logger },
    { keepDecisions: 100, backlog: 4, ...options },
  );
  const record = (...beats: number[]) => {
    for (const beat of beats) recorder.record(sampleDecision(beat));
  };
  return { recorder, record, clock, logger, written, pruned };
}

describe("DecisionRecorder", () => {
  it("writes in the order of recording, one at a time", async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const { record, recorder } = recorderOver({
      async put({ beat }) {
        begun.push(beat);
        expect(begun.length - ended.length).toBe(1);
        await settle();
        ended.push(beat);
        return ok(undefined);
      },
    });
    record(3, 1, 2);
    await recorder.stop();
    expect(ended).toEqual([3, 1, 2]);
  });

  it("does not hold up whoever records: what exceeds the backlog is counted, not kept", async () => {
    const gate = Promise.withResolvers<void>();
    const written: number[] = [];
    const { record, recorder } = recorderOver({
      async put({ beat }) {
        await gate.promise;
        written.push(beat);
        return ok(undefined);
      },
    });
    record(1, 2, 3, 4, 5, 6);
    expect(recorder.lost).toBe(2);
    gate.resolve();
    await recorder.stop();
    expect(written).toEqual([1, 2, 3, 4]);
  });

  it("tries again what a full disk refused, and is writable again without a new decision", async () => {
    let full = true;
    const written: number[] = [];
    const { record, recorder, clock, logger } = recorderOver({
      async put({ beat }) {
        if (full) return broken;
        written.push(beat);
        return ok(undefined);
      },
    });
    record(1, 2);
    await clock.advance(60_000);
    expect([recorder.writable, recorder.lost]).toEqual([false, 0]);
    expect(logger.lines).toEqual(["error: decisions cannot be kept"]);
    full = false;
    await clock.advance(10_000);
    expect([recorder.writable, recorder.lost]).toEqual([true, 0]);
    expect(written).toEqual([1, 2]);
  });

  it("gives up one record that never goes, so that the others do", async () => {
    const written: number[] = [];
    const { record, recorder, clock } = recorderOver({
      async put({ beat }) {
        if (beat === 1) throw new Error("cannot be encoded");
        written.push(beat);
        return ok(undefined);
      },
    });
    record(1, 2);
    await clock.advance(3_600_000);
    expect(written).toEqual([2]);
    expect([recorder.writable, recorder.lost]).toEqual([true, 1]);
  });

  it("stops without waiting for better times, and counts what it could not write", async () => {
    const { record, recorder, clock } = recorderOver({ put: async () => broken });
    record(1, 2, 3);
    await clock.advance(5_000);
    await recorder.stop();
    expect(recorder.lost).toBe(3);
    expect(clock.sleepers).toBe(0);
  });

  it("prunes after the first write of a process, and then every 256", async () => {
    const { record, recorder, pruned, written } = recorderOver({}, { backlog: 300 });
    record(1);
    await settle();
    expect(pruned).toEqual([100]);
    record(...Array.from({ length: 256 }, (_, n) => n + 2));
    await recorder.stop();
    expect(written).toHaveLength(257);
    expect(pruned).toEqual([100, 100]);
  });

  it("says when it cannot prune; the log is writable all the same", async () => {
    const { record, recorder, logger } = recorderOver({ prune: async () => broken });
    record(1);
    await recorder.stop();
    expect(logger.lines).toEqual(["warn: old decisions cannot be pruned"]);
    expect([recorder.writable, recorder.lost]).toEqual([true, 0]);
  });
});
