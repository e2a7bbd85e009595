/** Stories with three healers in them: the first repair, a silent neighbour, and nothing at all. */

import { setTimeout as delay } from "node:timers/promises";
import type { Mesh, PingReport } from "../mesh.ts";
import type { MeshmendNode, MeshmendOptions } from "../meshmend-node.ts";
import { hardInterface, peersOf } from "../topology/topology.ts";
import {
  healedAfterMs,
  linkToSpoil,
  lossBetween,
  percent,
  type Scenario,
  type ScenarioContext,
} from "./scenario.ts";

const meshFlag = "--mesh-interface";
/** After the last start, before anything is judged: starting costs the others their processors. */
const calmMs = 5_000;
/** How good a link is must be learnt before a few lost messages tell much; see link-loss.ts. */
const learningMs = 40_000;
const healedWithinMs = 8_000;

/** By name: the lab judges daemons of any age, also by kinds that their types do not have. */
function isOf(symptom: { readonly kind: string }, kind: string): boolean {
  return symptom.kind === kind;
}

/** A daemon starts so soon in the guest when nobody else wants the host's processors. */
const quickStartMs = 7_500;
const mostSlowness = 4;

/**
 * How many times slower the guest is than on a quiet host, 1 at least: limits on time are stretched by
 * it, and so mean the same on a busy host. On a quiet one they are what they say.
 */
function slowness(nodes: readonly MeshmendNode[]): number {
  const starts = nodes.map(({ startMs }) => startMs).toSorted((one, other) => one - other);
  const median = starts[Math.floor(starts.length / 2)] ?? 0;
  return Math.min(mostSlowness, Math.max(1, median / quickStartMs));
}

async function startEverywhere(
  { mesh, fact }: ScenarioContext,
  options: MeshmendOptions,
): Promise<readonly MeshmendNode[]> {
  const started: MeshmendNode[] = [];
  // In turn: together they would only wait for each other.
  for (const { name } of mesh.topology.nodes) {
    started.push(
      await mesh.startMeshmend(name, {
        ...options,
        flags: [meshFlag, "bat0", ...(options.flags ?? [])],
        // Two emulated processors for a whole mesh are always under pressure.
        environment: { MESHMEND_THRESHOLDS_PRESSURE_RATIO: "1", ...options.environment },
      }),
    );
  }
  fact(
    "startMs",
    started.map(({ startMs }) => startMs),
  );
  fact("slowness", slowness(started));
  await delay(calmMs);
  return started;
}

/** The first symptom of a kind after a moment, on any of the nodes. */
async function firstSymptom(
  nodes: readonly MeshmendNode[],
  kind: string,
  { sinceMs, withinMs }: { readonly sinceMs: number; readonly withinMs: number },
): Promise<{ readonly node: string; readonly afterMs: number; readonly summary: string } | null> {
  const found = await Promise.all(
    nodes.map((daemon) =>
      daemon.waitFor(
        ({ atMs, event }) =>
          event.kind === "symptom-raised" && isOf(event.symptom, kind) && atMs >= sinceMs
            ? { node: daemon.node, afterMs: atMs - sinceMs, summary: event.symptom.summary }
            : null,
        withinMs,
      ),
    ),
  );
  const seen = found.filter((one) => one !== null);
  return seen.toSorted((one, other) => one.afterMs - other.afterMs)[0] ?? null;
}

/** What steers traffic away, as batctl reads it, at both ends of a link. */
async function steering(mesh: Mesh, [one, other]: readonly [string, string]): Promise<string[]> {
  const setting = mesh.algorithm === "BATMAN_V" ? "throughput_override" : "hop_penalty";
  const read = async (node: string, peer: string) =>
    (await mesh.exec(node, ["batctl", "hardif", hardInterface(peer), setting])).stdout.trim();
  return [await read(one, other), await read(other, one)];
}

/** Three seconds in which all is well, then 60 % loss. */
async function pingThroughLoss(
  { mesh, say }: ScenarioContext,
  [from, to]: readonly [string, string],
  seconds: number,
): Promise<{ readonly faultAtMs: number; readonly ended: Promise<PingReport> }> {
  const ping = mesh.ping(from, to, {
    seconds: seconds + 3,
    onWindow: ({ sinceStartMs, lossRatio }) =>
      say(`${sinceStartMs / 1_000} s  ping ${from} -> ${to} loses ${percent(lossRatio)}`),
  });
  await delay(3_000);
  const faultAtMs = await mesh.loss(`${from}-${to}`, 0.6);
  say(`60 % loss on ${from}-${to}, both directions`);
  return { faultAtMs, ended: ping.ended };
}

/** Second by second, by when the requests were sent. */
function sideBySide(without: PingReport, withMeshmend: PingReport): readonly string[] {
  const row = (...cells: readonly string[]) => cells.map((cell) => cell.padStart(16)).join("");
  const cell = ({ windows }: PingReport, at: number) => {
    const window = windows[at];
    return window === undefined ? "" : percent(window.lossRatio);
  };
  const seconds = Math.max(without.windows.length, withMeshmend.windows.length);
  return [
    row("second", "without", "with meshmend"),
    ...Array.from({ length: seconds }, (_, at) =>
      row(String(at), cell(without, at), cell(withMeshmend, at)),
    ),
  ];
}

function mayBeLate(symptom: { readonly kind: string }): boolean {
  return isOf(symptom, "sensor-failed") || isOf(symptom, "silent-neighbour");
}

/** `sinceMs`: starting a daemon keeps the others from their processors, which is no news. */
function claimCalm(
  { claim }: ScenarioContext,
  nodes: readonly MeshmendNode[],
  sinceMs: number,
): void {
  for (const daemon of nodes) {
    const raised = daemon
      .eventsOf("symptom-raised")
      .filter(({ atMs }) => atMs >= sinceMs)
      // On a busy host the guest's own kernels are late: sensors and neighbours, too, and truly so.
      .filter(({ event }) => slowness(nodes) < 1.25 || !mayBeLate(event.symptom))
      .map(({ event }) => event.symptom.summary);
    claim(`${daemon.node} raised nothing while nothing was wrong`, raised.length === 0, raised);
  }
}

export const firstRepair: Scenario = {
  name: "first-repair",
  description: "60 % loss on the direct link: without meshmend, then with it in mode act",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  async run(context) {
    const { mesh, say, claim, fact } = context;
    const link = linkToSpoil(mesh.topology);
    const bare = await pingThroughLoss(context, link, 30);
    const without = await bare.ended;
    await mesh.restore();
    await mesh.settle();
    const untouched = await steering(mesh, link);
    const nodes = await startEverywhere(context, { mode: "act" });
    const { atMs } = await mesh.guest.run(["true"]);
    await delay(learningMs);
    claimCalm(context, nodes, atMs);
    const { faultAtMs, ended } = await pingThroughLoss(context, link, 30);
    const symptom = await firstSymptom(nodes, "link-loss", {
      sinceMs: faultAtMs,
      withinMs: 15_000,
    });
    const withMeshmend = await ended;
    for (const line of sideBySide(without, withMeshmend)) say(line);
    const windows = ({ windows }: PingReport) => windows.map(({ lossRatio }) => lossRatio);
    fact("withoutMeshmend", windows(without));
    fact("withMeshmend", windows(withMeshmend));
    fact("healedAfterMs", {
      without: healedAfterMs(without, bare.faultAtMs),
      withMeshmend: healedAfterMs(withMeshmend, faultAtMs),
    });
    fact("symptom", symptom);
    if (mesh.algorithm === "BATMAN_V") {
      const broken = lossBetween(without, bare.faultAtMs + 10_000);
      claim("without meshmend it stays broken", broken > 0.2, broken);
    }
    const withinMs = Math.round(healedWithinMs * slowness(nodes));
    const after = lossBetween(withMeshmend, faultAtMs + withinMs);
    claim(`pings are back at 0 % loss ${withinMs / 1_000} s after the fault`, after === 0, after);
    await claimRecorded(
      context,
      nodes.filter(({ node }) => link.includes(node)),
    );
    const steered = await steering(mesh, link);
    claim("traffic is steered away", steered.join() !== untouched.join(), steered);
    await claimWithdrawn(context, link, untouched);
  },
};

async function claimRecorded(
  { claim }: ScenarioContext,
  ends: readonly MeshmendNode[],
): Promise<void> {
  const verdicts = await Promise.all(
    ends.map((daemon) =>
      daemon.waitFor(
        ({ event }) =>
          event.kind === "verdict" && isOf(event.decision.symptom, "link-loss")
            ? { node: daemon.node, outcome: event.decision.verdict?.outcome }
            : null,
        30_000,
      ),
    ),
  );
  const outcomes = verdicts.map((verdict) => verdict?.outcome);
  claim("a decision is recorded as healed", outcomes.includes("healed"), verdicts);
  claim("none was taken back", !outcomes.includes("undone"), verdicts);
}

async function claimWithdrawn(
  { mesh, claim, fact }: ScenarioContext,
  link: readonly [string, string],
  untouched: readonly string[],
): Promise<void> {
  await mesh.restore();
  const takenAwayMs = performance.now();
  let steered = await steering(mesh, link);
  while (steered.join() !== untouched.join() && performance.now() - takenAwayMs < 120_000) {
    await delay(2_000);
    steered = await steering(mesh, link);
  }
  fact("withdrawnAfterMs", Math.round(performance.now() - takenAwayMs));
  claim(
    "when the loss is gone the steering goes too",
    steered.join() === untouched.join(),
    steered,
  );
  const report = await mesh.ping(link[0], link[1], { seconds: 5 }).ended;
  const loss = lossBetween(report, 0);
  claim("and pings still pass", loss < 0.1, loss);
}

/** BATMAN_V hears of a neighbour twice a second (ELP), BATMAN_IV once; three intervals are silence. */
const silenceSeenWithinMs = { BATMAN_V: 2_000, BATMAN_IV: 4_000 };
/** Chance is in it: of one fault this much is certain, of many the share within 3 s is judged. */
const lossSeenWithinMs = { BATMAN_V: 6_000, BATMAN_IV: 9_000 };
const promptMs = 3_000;
const promptShare = { BATMAN_V: 0.8, BATMAN_IV: 0.6 };
const leastToShare = 5;

async function silenceIsSeen(
  { mesh, claim, say }: ScenarioContext,
  nodes: readonly MeshmendNode[],
): Promise<void> {
  const silent = mesh.topology.nodes.at(-1)?.name ?? "";
  const witnesses = nodes.filter(({ node }) => peersOf(mesh.topology, silent).includes(node));
  const faultAtMs = await mesh.silence(silent);
  say(`${silent} is silent`);
  const limitMs = Math.round(silenceSeenWithinMs[mesh.algorithm] * slowness(nodes));
  for (const daemon of witnesses) {
    const seen = await firstSymptom([daemon], "silent-neighbour", {
      sinceMs: faultAtMs,
      withinMs: 30_000,
    });
    const holds = seen !== null && seen.afterMs <= limitMs;
    claim(`${daemon.node} says so within ${limitMs} ms`, holds, seen);
  }
  await mesh.restore();
  for (const daemon of witnesses) {
    const lastedMs = await cleared(daemon, "silent-neighbour", faultAtMs);
    claim(`${daemon.node} takes it back`, lastedMs !== null, lastedMs);
  }
}

/** How long a symptom lasted that began after a moment; null when it does not end. */
function cleared(daemon: MeshmendNode, kind: string, sinceMs: number): Promise<number | null> {
  return daemon.waitFor(
    ({ atMs, event }) =>
      event.kind === "symptom-cleared" && isOf(event.symptom, kind) && atMs >= sinceMs
        ? event.lastedMs
        : null,
    60_000,
  );
}

/** As often as fits into the minutes, each time after a minute in which all was well. */
async function lossIsSeen(
  { mesh, minutes, claim, fact, say }: ScenarioContext,
  nodes: readonly MeshmendNode[],
): Promise<void> {
  const link = linkToSpoil(mesh.topology);
  const ends = nodes.filter(({ node }) => link.includes(node));
  const limitMs = Math.round(lossSeenWithinMs[mesh.algorithm] * slowness(nodes));
  const times = Math.max(1, Math.floor((minutes * 60_000) / (learningMs + 30_000)));
  const seenAfterMs: number[] = [];
  for (let n = 0; n < times; n++) {
    await delay(learningMs);
    const sinceMs = await mesh.loss(link.join("-"), 0.6);
    say(`60 % loss on ${link.join("-")}, both directions`);
    const seen = await firstSymptom(ends, "link-loss", { sinceMs, withinMs: 15_000 });
    claim(`60 % loss is seen within ${limitMs} ms`, (seen?.afterMs ?? Infinity) <= limitMs, seen);
    seenAfterMs.push(Math.round(seen?.afterMs ?? Infinity));
    await mesh.restore();
    const saying = ends.filter((daemon) =>
      daemon.eventsOf("symptom-raised").some(({ atMs }) => atMs >= sinceMs),
    );
    await Promise.all(saying.map((daemon) => cleared(daemon, "link-loss", sinceMs)));
  }
  fact("lossSeenAfterMs", seenAfterMs);
  if (times < leastToShare) return;
  const share = seenAfterMs.filter((afterMs) => afterMs <= promptMs).length / times;
  const least = promptShare[mesh.algorithm];
  claim(`and within ${promptMs} ms in ${percent(least)} of all cases`, share >= least, share);
}

/** The three of them watch and touch nothing while `story` is told. */
function watched(
  about: Pick<Scenario, "name" | "description" | "minutes">,
  ...stories: readonly ((
    context: ScenarioContext,
    nodes: readonly MeshmendNode[],
  ) => Promise<void>)[]
): Scenario {
  return {
    ...about,
    topology: "triangle",
    algorithms: ["BATMAN_V", "BATMAN_IV"],
    async run(context) {
      const nodes = await startEverywhere(context, { mode: "observe" });
      for (const story of stories) await story(context, nodes);
    },
  };
}

export const silentNeighbour = watched(
  {
    name: "silent-neighbour",
    description: "a node hears and is not heard: its neighbours say so",
  },
  silenceIsSeen,
);

export const lossSeen = watched(
  {
    name: "loss-seen",
    description: "60 % loss on a link, again and again: how soon it is seen",
    minutes: 10,
  },
  lossIsSeen,
);

export const noticed = watched(
  {
    name: "noticed",
    description: "a silent neighbour and a lossy link, one after the other, are noticed",
  },
  silenceIsSeen,
  lossIsSeen,
);

export const quiet: Scenario = {
  name: "quiet",
  description: "nothing is wrong, and nobody finds anything: no symptom in so many minutes",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  minutes: 10,
  async run(context) {
    const { mesh, minutes, claim, fact } = context;
    const nodes = await startEverywhere(context, { mode: "act" });
    const { atMs } = await mesh.guest.run(["true"]);
    await delay(minutes * 60_000);
    fact("minutes", minutes);
    claimCalm(context, nodes, atMs);
    for (const daemon of nodes) {
      const made = daemon.eventsOf("decision-made").filter((seen) => seen.atMs >= atMs);
      const reasons = made.map(({ event }) => event.decision.plan.reason);
      claim(`${daemon.node} decided nothing`, reasons.length === 0, reasons);
    }
  },
};
