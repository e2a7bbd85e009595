/** What every action journal does, whatever it stands on. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActionJournal } from "../../src/mape-k/execute/action-journal.ts";
import { sampleDecision, sampleId } from "./sample-decision.ts";

export function actionJournalComplies(
  name: string,
  open: () => Promise<{ journal: ActionJournal; cleanUp: () => Promise<void> }>,
): void {
  describe(`${name} is an action journal`, () => {
    let journal: ActionJournal;
    let cleanUp: () => Promise<void>;
    beforeEach(async () => {
      ({ journal, cleanUp } = await open());
    });
    afterEach(async () => {
      await journal.stop();
      await cleanUp();
    });

    async function openBeats(): Promise<number[]> {
      const recovered = await journal.recover();
      if (!recovered.ok) throw new Error(recovered.fault.message);
      return recovered.value.map(({ decision }) => decision.beat);
    }

    it("is empty when new", async () => {
      expect(await openBeats()).toEqual([]);
    });

    it("recovers an open decision whole", async () => {
      const entry = { decision: sampleDecision(1) };
      expect(await journal.open(entry)).toEqual({ ok: true, value: undefined });
      expect(await journal.recover()).toEqual({ ok: true, value: [entry] });
    });

    it("recovers nothing that was closed", async () => {
      for (const number of [1, 2, 3]) await journal.open({ decision: sampleDecision(number) });
      expect(await journal.close(sampleId(2))).toEqual({ ok: true, value: undefined });
      expect(await openBeats()).toEqual([1, 3]);
    });

    it("takes the close of an unknown id calmly", async () => {
      expect(await journal.close(sampleId(7))).toEqual({ ok: true, value: undefined });
    });

    it("replaces the entry of the same decision", async () => {
      for (const phase of ["applying", "verifying", "undoing"] as const) {
        await journal.open({ decision: sampleDecision(1, { phase }) });
      }
      const entry = { decision: sampleDecision(1, { phase: "undoing" }) };
      expect(await journal.recover()).toEqual({ ok: true, value: [entry] });
      await journal.close(sampleId(1));
      expect(await openBeats()).toEqual([]);
    });

    it("holds as many as it says, replaces when full, and refuses one more", async () => {
      const numbers = Array.from({ length: journal.capacity }, (_, number) => number);
      for (const number of numbers) {
        expect((await journal.open({ decision: sampleDecision(number) })).ok).toBe(true);
      }
      const more = await journal.open({ decision: sampleDecision(journal.capacity) });
      expect(more).toMatchObject({ ok: false, fault: { code: "E_JOURNAL_FULL" } });
      const again = await journal.open({ decision: sampleDecision(0, { phase: "undoing" }) });
      expect(again.ok).toBe(true);
      expect((await openBeats()).toSorted((a, b) => a - b)).toEqual(numbers);
      await journal.close(sampleId(0));
      const next = await journal.open({ decision: sampleDecision(journal.capacity) });
      expect(next.ok).toBe(true);
    });

    it("keeps its entries apart when they are opened at once", async () => {
      const numbers = [1, 2, 3, 4, 5];
      await Promise.all(
        numbers.map((number) => journal.open({ decision: sampleDecision(number) })),
      );
      expect(await openBeats()).toEqual(numbers);
    });

    it("refuses with a fault once it is stopped, and may be stopped twice", async () => {
      await journal.stop();
      await journal.stop();
      const opened = await journal.open({ decision: sampleDecision(1) });
      expect(opened).toMatchObject({ fault: { code: "E_JOURNAL_WRITE" } });
      expect(await journal.recover()).toMatchObject({ fault: { code: "E_JOURNAL_READ" } });
    });
  });
}
