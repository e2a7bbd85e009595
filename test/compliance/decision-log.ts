/** What every decision log does, whatever it stands on. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DecisionLog } from "../../src/mape-k/knowledge/decision-log.ts";
import { sampleDecision, sampleId } from "./sample-decision.ts";

export function decisionLogComplies(
  name: string,
  open: () => Promise<{ log: DecisionLog; cleanUp: () => Promise<void> }>,
): void {
  describe(`${name} is a decision log`, () => {
    let log: DecisionLog;
    let cleanUp: () => Promise<void>;
    beforeEach(async () => {
      ({ log, cleanUp } = await open());
    });
    afterEach(async () => {
      await log.stop();
      await cleanUp();
    });

    async function keep(...numbers: number[]): Promise<void> {
      for (const number of numbers) {
        expect(await log.put(sampleDecision(number))).toEqual({ ok: true, value: undefined });
      }
    }
    async function listed(limit: number, before?: number): Promise<number[]> {
      const query = before === undefined ? { limit } : { limit, before: sampleId(before) };
      const page = await log.list(query);
      if (!page.ok) throw new Error(page.fault.message);
      return page.value.map((decision) => decision.beat);
    }

    it("gives back what was put, whole", async () => {
      await keep(1);
      expect(await log.get(sampleId(1))).toEqual({ ok: true, value: sampleDecision(1) });
    });

    it("answers null for what it never saw", async () => {
      expect(await log.get(sampleId(1))).toEqual({ ok: true, value: null });
    });

    it("replaces a record with the same id", async () => {
      await keep(1);
      const verdict = {
        outcome: "healed",
        reason: "it stayed away",
        before: [{ what: "operState", seen: "down" }],
        after: [],
        wallMs: 2,
        tookMs: 1,
      } as const;
      const closed = sampleDecision(1, { phase: "closed", verdict });
      await log.put(closed);
      expect(await log.get(sampleId(1))).toEqual({ ok: true, value: closed });
      expect(await listed(10)).toEqual([1]);
    });

    it("keeps its own copy", async () => {
      const timeline = [{ wallMs: 1, what: "made" }];
      await log.put(sampleDecision(1, { timeline }));
      timeline.push({ wallMs: 2, what: "changed afterwards" });
      const kept = await log.get(sampleId(1));
      expect(kept.ok && kept.value?.timeline.length).toBe(1);
    });

    it("lists newest first, whatever the order of writing", async () => {
      await keep(2, 10, 1, 9);
      expect(await listed(10)).toEqual([10, 9, 2, 1]);
    });

    it("pages with `before`, without overlap and without gap", async () => {
      await keep(1, 2, 3, 4, 5);
      expect(await listed(2)).toEqual([5, 4]);
      expect(await listed(2, 4)).toEqual([3, 2]);
      expect(await listed(2, 2)).toEqual([1]);
      expect(await listed(2, 1)).toEqual([]);
    });

    it("lists nothing for a limit of zero", async () => {
      await keep(1);
      expect(await listed(0)).toEqual([]);
    });

    it("prunes the oldest and says how many went", async () => {
      await keep(1, 2, 3, 4, 5);
      expect(await log.prune(2)).toEqual({ ok: true, value: 3 });
      expect(await listed(10)).toEqual([5, 4]);
      expect(await log.prune(2)).toEqual({ ok: true, value: 0 });
      expect(await log.prune(0)).toEqual({ ok: true, value: 2 });
    });

    it("refuses with a fault once it is stopped, and may be stopped twice", async () => {
      await log.stop();
      await log.stop();
      const codes = { write: "E_STORAGE_WRITE", read: "E_STORAGE_READ" };
      expect(await log.put(sampleDecision(1))).toMatchObject({ fault: { code: codes.write } });
      expect(await log.get(sampleId(1))).toMatchObject({ fault: { code: codes.read } });
      expect(await log.list({ limit: 1 })).toMatchObject({ fault: { code: codes.read } });
      expect((await log.prune(0)).ok).toBe(false);
    });
  });
}
