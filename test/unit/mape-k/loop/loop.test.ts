/** The driver of the loop under a clock that only the test moves. */

import { afterEach, describe, expect, it } from "vitest";
import { failed, fault, ok, silentTracer } from "../../../../src/base/index.ts";
import { describeAction } from "../../../../src/mape-k/action.ts";
import type { Decision, DecisionId } from "../../../../src/mape-k/decision.ts";
import type { ActionJournal } from "../../../../src/mape-k/execute/action-journal.ts";
import { Executor } from "../../../../src/mape-k/execute/executor.ts";
import { MemoryActionJournal } from "../../../../src/mape-k/io/memory-action-journal.ts";
import { MemoryDecisionLog } from "../../../../src/mape-k/io/memory-decision-log.ts";
import { DecisionRecorder } from "../../../../src/mape-k/knowledge/decision-recorder.ts";
import { EventFeed } from "../../../../src/mape-k/knowledge/event-feed.ts";
import { TimeSeries } from "../../../../src/mape-k/knowledge/time-series.ts";
import { Loop } from "../../../../src/mape-k/loop/loop.ts";
import type { LoopPolicy } from "../../../../src/mape-k/loop/loop-state.ts";
import { Monitor } from "../../../../src/mape-k/monitor/monitor.ts";
import type { Sensors } from "../../../../src/mape-k/monitor/sensor.ts";
import type { InterfaceReading } from "../../../../src/mape-k/observation.ts";
import { sampleDecision } from "../../../compliance/sample-decision.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { recordingLogger } from "../../support/recording-logger.ts";
import { interfaceReading, policy } from "../support/readings.ts";

interface Changes {
  readonly policy?: Partial<LoopPolicy>;
  readonly sensors?: Sensors;
  readonly journal?: ActionJournal;
  readonly past?: readonly Decision[];
  readonly decisionsBefore?: number;
  readonly onBeat?: () => void;
  readonly apply?: () => Promise<void>;
}

const running: Loop[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((loop) => loop.stop()));
});

/** A node with two wires, of which the test decides what they show. */
async function nodeWith(changes: Changes = {}) {
  const clock = new ManualClock();
  const logger = recordingLogger();
  const log = new MemoryDecisionLog();
  for (const decision of changes.past ?? []) await log.put(decision);
  const journal = changes.journal ?? new MemoryActionJournal({ capacity: 7 });
  const wires = new Map([
    ["mesh0", interfaceReading()],
    ["mesh1", interfaceReading({ name: "mesh1" })],
  ]);
  const applied: string[] = [];
  const beats: { latenessMs: number; missed: number; atMs: number }[] = [];
  let ids = changes.decisionsBefore ?? 0;
  const interfaces = { sample: () => ok([...wires.values()]) };
  const history = new TimeSeries({ windowBeats: 10, maxSeries: 100 });
  const loop = new Loop(
    {
      clock,
      logger,
      tracer: silentTracer,
      log,
      journal,
      history,
      monitor: new Monitor(
        { clock, sensors: changes.sensors ?? { interfaces } },
        { timeoutMs: 800 },
      ),
      feed: new EventFeed({ clock, logger }, { capacity: 64 }),
      recorder: new DecisionRecorder({ clock, log, logger }, { keepDecisions: 100, backlog: 100 }),
      nextId: () => `decision-${String(++ids).padStart(3, "0")}` as DecisionId,
      createExecutor: (report) =>
        new Executor(
          {
            clock,
            logger,
            journal,
            report,
            actuators: [
              {
                kinds: ["tell", "interface-up", "interface-down", "interface-bounce"],
                async apply(action) {
                  applied.push(describeAction(action));
                  await changes.apply?.();
                  return ok(undefined);
                },
              },
            ],
          },
          { actionTimeoutMs: 20_000 },
        ),
      onBeat({ latenessMs, missed }) {
        beats.push({ latenessMs, missed, atMs: clock.monotonicMs() });
        changes.onBeat?.();
      },
    },
    { policy: { ...policy, ...changes.policy }, periodMs: 1_000, windowBeats: 10 },
  );
  running.push(loop);
  const set = (name: string, reading: Partial<InterfaceReading>) =>
    void wires.set(name, interfaceReading({ name, ...reading }));
  const after = async (seconds: number) => {
    await clock.advance(seconds * 1_000);
    await settle();
  };
  const kept = async () => {
    const list = await log.list({ limit: 100 });
    if (!list.ok) throw new Error(list.fault.message);
    return list.value.map(({ id, phase, verdict }) => `${id} ${phase} ${verdict?.outcome}`);
  };
  return { loop, clock, logger, log, journal, applied, beats, history, set, after, kept };
}

const noCarrier = { operState: "down" } as const;

describe("the beat", () => {
  it("keeps its rate, however long a beat takes", async () => {
    const clockOf: { clock?: ManualClock } = {};
    const slow = {
      async sample() {
        await clockOf.clock?.sleep(300);
        return ok([]);
      },
    };
    const node = await nodeWith({ sensors: { interfaces: slow } });
    clockOf.clock = node.clock;
    await node.loop.start();
    await node.after(4.5);
    expect(node.beats.map(({ atMs }) => atMs)).toEqual([300, 1_300, 2_300, 3_300, 4_300]);
    expect(node.loop.statistics()).toEqual({
      beats: 5,
      missed: 0,
      periodMs: 1_000,
      lastDurationMs: 300,
    });
  });

  it("leaves out what it missed, counts it, and does not catch up in a burst", async () => {
    const node = await nodeWith();
    await node.loop.start();
    await node.after(2);
    node.clock.stall(3_600);
    await node.after(3);
    const { beats, missed } = node.loop.statistics();
    expect(missed).toBe(2);
    expect(node.beats.map(({ atMs }) => atMs)).toEqual([
      0, 1_000, 2_000, 5_600, 6_000, 7_000, 8_000,
    ]);
    expect(beats).toBe(7);
    expect(node.beats[3]).toMatchObject({ latenessMs: 2_600, missed: 2 });
  });

  it("goes on when a sensor throws, and says so", async () => {
    const node = await nodeWith({
      sensors: {
        transport: {
          sample() {
            throw new Error("a bug");
          },
        },
      },
    });
    await node.loop.start();
    await node.after(5);
    expect(node.loop.statistics().beats).toBe(6);
    expect(node.loop.symptoms().map(({ key }) => key)).toEqual(["sensor-failed:sensor/transport"]);
    expect(node.loop.sensorHealth()[0]?.health()).toMatchObject({
      state: "degraded",
      reason: "transport: a bug",
    });
  });

  it("goes on when a detector throws, loudly, and is well again afterwards", async () => {
    let readings: unknown = [null];
    const broken = { sample: () => ok(readings as InterfaceReading[]) };
    const node = await nodeWith({ sensors: { interfaces: broken } });
    await node.loop.start();
    await node.after(2);
    expect(node.logger.lines).toEqual(Array(3).fill("error: the beat failed"));
    readings = [interfaceReading()];
    await node.after(2);
    expect(node.logger.lines).toHaveLength(3);
    expect(node.loop.seriesSubjects()).toEqual(["interface/mesh0"]);
  });

  it("forgets a subject that is gone for a whole window", async () => {
    let readings = [interfaceReading(), interfaceReading({ name: "mesh1" })];
    const node = await nodeWith({ sensors: { interfaces: { sample: () => ok(readings) } } });
    await node.loop.start();
    await node.after(3);
    readings = [interfaceReading()];
    await node.after(20);
    expect(node.loop.seriesSubjects()).toEqual(["interface/mesh0"]);
  });
});

describe("a repair, from end to end", () => {
  it("is decided, journalled, carried out, verified, recorded and announced", async () => {
    const node = await nodeWith({ apply: async () => node.set("mesh0", {}) });
    const heard: string[] = [];
    node.loop.onEvent(({ sequence, event }) => heard.push(`${sequence} ${event.kind}`));
    await node.loop.start();
    await node.after(2);
    node.set("mesh0", noCarrier);
    await node.after(1);
    expect(await node.journal.recover()).toMatchObject({
      value: [{ decision: { id: "decision-001" } }],
    });
    await node.after(5);
    expect(node.applied).toEqual(["set mesh0 down and up again after 500 ms"]);
    expect(heard).toEqual([
      "1 symptom-raised",
      "2 decision-made",
      "3 decision-changed",
      "4 symptom-cleared",
      "5 verdict",
    ]);
    expect(node.loop.eventsAfter(3).map(({ sequence }) => sequence)).toEqual([4, 5]);
    expect(await node.kept()).toEqual(["decision-001 closed healed"]);
    expect(await node.journal.recover()).toEqual(ok([]));
  });

  it("waits for a person in mode confirm, and takes the answer at the next beat", async () => {
    const node = await nodeWith({ policy: { mode: "confirm" } });
    await node.loop.start();
    await node.after(2);
    node.set("mesh0", noCarrier);
    await node.after(1);
    expect(node.loop.confirm("decision-009", true)).toMatchObject({
      fault: { code: "E_NO_SUCH_DECISION" },
    });
    expect(node.loop.confirm("decision-001", true)).toEqual(ok(undefined));
    expect(node.applied).toEqual([]);
    await node.after(1);
    expect(node.applied).toHaveLength(1);
    expect(node.loop.confirm("decision-001", true)).toMatchObject({
      fault: { code: "E_NOT_WAITING" },
    });
  });

  it("takes one answer a beat, so that answers cannot crowd out reports", async () => {
    const node = await nodeWith({ policy: { mode: "confirm" } });
    await node.loop.start();
    await node.after(2);
    node.set("mesh0", noCarrier);
    await node.after(1);
    const answers = Array.from({ length: 2_000 }, () => node.loop.confirm("decision-001", false));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.at(-1)).toMatchObject({ fault: { code: "E_NOT_WAITING" } });
    expect(node.loop.inboxDropped).toBe(0);
    await node.after(1);
    expect(await node.loop.decision("decision-001")).toMatchObject({
      value: { phase: "closed", admission: { code: "E_CONFIRMATION_DENIED" } },
    });
  });

  it("performs what a report leads to, even when the beat's own observation breaks a detector", async () => {
    let reading: InterfaceReading | null = interfaceReading();
    const sample = () => ok([reading, interfaceReading({ name: "mesh1" })] as InterfaceReading[]);
    const node = await nodeWith({ sensors: { interfaces: { sample } } });
    await node.loop.start();
    await node.after(2);
    reading = interfaceReading({ operState: "down", adminUp: false });
    await node.after(1);
    reading = null;
    await node.after(1);
    expect(await node.loop.decision("decision-001")).toMatchObject({
      value: { phase: "verifying" },
    });
  });

  it("survives whoever measures it", async () => {
    const node = await nodeWith({
      onBeat() {
        throw new Error("metrics");
      },
    });
    await node.loop.start();
    await node.after(3);
    expect(node.loop.statistics().beats).toBe(4);
  });
});

describe("what the process before left open", () => {
  it("and had not begun is closed as what it is", async () => {
    const first = await nodeWith({ policy: { mode: "confirm" } });
    await first.loop.start();
    await first.after(2);
    first.set("mesh0", noCarrier);
    await first.after(2);
    const open = await first.log.list({ limit: 10 });
    const past = open.ok ? open.value : [];
    expect(past).toMatchObject([{ phase: "waiting" }]);
    const applying = {
      ...past[0],
      id: "decision-000" as DecisionId,
      phase: "applying",
    } as Decision;
    const second = await nodeWith({ past: [...past, applying], decisionsBefore: 5 });
    await second.loop.start();
    await second.after(1);
    expect(await second.loop.decision("decision-001")).toMatchObject({
      value: { phase: "closed", admission: { code: "E_CONFIRMATION_EXPIRED" } },
    });
    expect(await second.loop.decision("decision-000")).toMatchObject({
      value: { phase: "closed", verdict: { outcome: "not-applied" } },
    });
  });

  it("is asked for again while the crash journal cannot be read", async () => {
    const journal = new MemoryActionJournal({ capacity: 1 });
    const working = journal.recover.bind(journal);
    journal.recover = async () => failed(fault("E_JOURNAL_READ", "no disk yet"));
    const node = await nodeWith({ journal });
    await node.loop.start();
    await node.after(2);
    expect(node.loop.journalHealth().state).toBe("degraded");
    journal.recover = working;
    await node.after(15);
    expect(node.loop.journalHealth().state).toBe("ok");
  });
});

describe("stopping", () => {
  it("ends at once in the middle of a beat, begins no other, and closes the sensors", async () => {
    let closed = 0;
    const hangs = {
      sample: () => new Promise<never>(() => {}),
      close: () => void closed++,
    };
    const node = await nodeWith({ sensors: { storage: hangs } });
    await node.loop.start();
    await settle();
    await node.loop.stop();
    expect(node.clock.monotonicMs()).toBe(0);
    await node.after(10);
    expect([node.loop.statistics().beats, closed, node.clock.sleepers]).toEqual([1, 1, 0]);
  });

  it("leaves a repair under way in the journal, and the next start takes it up", async () => {
    const first = await nodeWith();
    await first.loop.start();
    await first.after(2);
    first.set("mesh0", { adminUp: false, operState: "down" });
    await first.after(2);
    await first.loop.stop();
    const second = await nodeWith({ journal: first.journal, decisionsBefore: 1 });
    second.set("mesh0", { adminUp: false, operState: "down" });
    await second.loop.start();
    expect(second.logger.lines).toEqual(["warn: found an open action"]);
    await second.after(20);
    expect(second.applied).toEqual(["set mesh0 down"]);
    expect(await second.kept()).toContain("decision-001 closed undone");
  });

  it("may come before the start", async () => {
    const node = await nodeWith();
    await node.loop.stop();
    expect(node.clock.sleepers).toBe(0);
  });
});

describe("what was repaired before a restart", () => {
  const past = (number: number, secondsAgo: number, changes: Partial<Decision> = {}) =>
    sampleDecision(number, {
      madeWallMs: 1_700_000_000_000 - secondsAgo * 1_000,
      timeline: [],
      phase: "closed",
      ...changes,
    });

  async function firstWord(decisions: readonly Decision[]) {
    const node = await nodeWith({ past: decisions });
    await node.loop.start();
    await node.after(2);
    node.set("mesh0", noCarrier);
    await node.after(1);
    const made = node.loop.eventsAfter(0).find(({ event }) => event.kind === "decision-made");
    if (made?.event.kind !== "decision-made") throw new Error("expected a decision");
    const { admission } = made.event.decision;
    return admission.kind === "refused" ? admission.code : admission.kind;
  }

  const refused = { kind: "refused", code: "E_COOL_DOWN", reason: "" } as const;
  it.each([
    { claim: "lately: still cools down", decisions: [past(1, 10)], word: "E_COOL_DOWN" },
    {
      claim: "in the future, as a board without a battery sees it: has an unknown age",
      decisions: [past(1, -86_400)],
      word: "admitted",
    },
    {
      claim: "long ago, but confirmed lately: still cools down",
      decisions: [past(1, 4_000, { timeline: [{ wallMs: 1_699_999_990_000, what: "applied" }] })],
      word: "E_COOL_DOWN",
    },
    { claim: "a while ago: has cooled down", decisions: [past(1, 40)], word: "admitted" },
    {
      claim: "twice: cools down for twice as long",
      decisions: [past(1, 300), past(2, 40)],
      word: "E_COOL_DOWN",
    },
    {
      claim: "more than an hour ago: is forgotten",
      decisions: [past(1, 4_000), past(2, 40)],
      word: "admitted",
    },
    {
      claim: "only planned: does not count",
      decisions: [past(1, 10, { admission: { kind: "observed" } })],
      word: "admitted",
    },
    {
      claim: "refused: does not count",
      decisions: [past(1, 10, { admission: refused })],
      word: "admitted",
    },
    {
      claim: "as often as the budget allows: is enough for this hour",
      decisions: Array.from({ length: 6 }, (_, n) => {
        const other = sampleDecision(n).plan;
        const actions = [{ kind: "interface-up", interface: `other${n}` }] as const;
        return past(n, 100, { plan: { ...other, actions } });
      }),
      word: "E_BUDGET_SPENT",
    },
  ])("$claim", async ({ decisions, word }) => {
    expect(await firstWord(decisions)).toBe(word);
  });
});

describe("a journal that cannot be read at start", () => {
  it("bars repairs, and shows in the journal's health", async () => {
    const memory = new MemoryActionJournal({ capacity: 7 });
    const broken = failed(fault("E_JOURNAL_READ", "bad sector"));
    const journal: ActionJournal = {
      capacity: 7,
      open: (entry) => memory.open(entry),
      close: (id) => memory.close(id),
      recover: async () => broken,
      stop: () => memory.stop(),
    };
    const node = await nodeWith({ journal });
    expect(node.loop.journalHealth().state).toBe("ok");
    await node.loop.start();
    await node.after(2);
    node.set("mesh0", noCarrier);
    await node.after(2);
    expect(node.applied).toEqual([]);
    expect(node.loop.journalHealth().state).toBe("degraded");
    expect(node.loop.dryRun()).toMatchObject([{ admitted: false }]);
  });
});

describe("what the loop shows", () => {
  it("its health: degraded before the first beat, failed when beats stay out", async () => {
    const node = await nodeWith();
    expect(node.loop.health()).toMatchObject({ state: "degraded", reason: "no beat yet" });
    await node.loop.start();
    await settle();
    expect(node.loop.health()).toMatchObject({ state: "ok" });
    node.clock.stall(5_001);
    expect(node.loop.health()).toMatchObject({ state: "failed" });
  });

  it("series by wall time, and nothing for a stranger", async () => {
    const node = await nodeWith();
    await node.loop.start();
    await node.after(1);
    const series = node.loop.series("interface/mesh0");
    expect(series?.wallMs).toEqual([1_700_000_000_000, 1_700_000_001_000]);
    expect(series?.metrics["operational"]).toEqual([1, 1]);
    expect(node.loop.series("interface/nobody")).toBeNull();
    expect(node.loop.latestObservation()?.beat).toBe(2);
  });

  it("what it would do, in every mode, without doing it", async () => {
    const node = await nodeWith({ policy: { mode: "observe" } });
    expect(node.loop.dryRun()).toEqual([]);
    await node.loop.start();
    await node.after(2);
    node.set("mesh0", noCarrier);
    await node.after(1);
    expect(node.loop.mode).toBe("observe");
    expect(node.loop.dryRun()).toMatchObject([
      {
        symptom: { key: "interface-down:interface/mesh0" },
        plan: { actions: [{ kind: "interface-bounce" }] },
        admitted: true,
        refusal: null,
      },
    ]);
    expect(node.applied).toEqual([]);
  });

  it("open decisions as they stand, closed ones from the log", async () => {
    const node = await nodeWith({
      past: [sampleDecision(1, { phase: "closed", madeWallMs: 0, timeline: [] })],
    });
    await node.loop.start();
    await node.after(2);
    node.set("mesh0", noCarrier);
    await node.after(2);
    const listed = await node.loop.decisions({ limit: 10 });
    expect(listed.ok && listed.value.map(({ phase }) => phase)).toEqual(["verifying", "closed"]);
    expect(await node.loop.decision("decision-001")).toMatchObject({
      value: { phase: "verifying" },
    });
    expect(await node.loop.decision("nobody")).toEqual(ok(null));
  });
});
