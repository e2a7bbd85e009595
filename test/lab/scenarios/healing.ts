/** Stories with three healers in them: the first repair, a silent neighbour, and nothing at all. */

import { setTimeout as delay } from "node:timers/promises";
import type { Mesh } from "../mesh.ts";
import type { MeshmendNode, MeshmendOptions } from "../meshmend-node.ts";
import { hardInterface, peersOf } from "../topology/topology.ts";
import { needsFlag } from "./capability.ts";
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
/** The limit for a symptom of loss, and for a silent neighbour. */
const lossSeenWithinMs = 3_000;
const silenceSeenWithinMs = 2_000;
const healedWithinMs = 8_000;

/** By name: the lab judges daemons of any age, also by kinds that their types do not have. */
function isOf(symptom: { readonly kind: string }, kind: string): boolean {
  return symptom.kind === kind;
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

export const firstRepair: Scenario = {
  name: "first-repair",
  description: "60 % loss on the direct link: without meshmend, then with it in mode act",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  pending: () => needsFlag(meshFlag),
  async run(context) {
    const { mesh, say, claim, fact } = context;
    const link = linkToSpoil(mesh.topology);
    const [from, to] = link;
    const pinged = async (seconds: number) => {
      const ping = mesh.ping(from, to, {
        seconds: seconds + 3,
        onWindow: ({ sinceStartMs, lossRatio }) =>
          say(`${sinceStartMs / 1_000} s  ping ${from} -> ${to} loses ${percent(lossRatio)}`),
      });
      await delay(3_000);
      const faultAtMs = await mesh.loss(`${from}-${to}`, 0.6);
      say(`60 % loss on ${from}-${to}, both directions`);
      return { faultAtMs, ping };
    };

    const bare = await pinged(20);
    const without = await bare.ping.ended;
    await mesh.restore();
    await mesh.settle();
    const untouched = await steering(mesh, link);
    const nodes = await startEverywhere(context, { mode: "act" });
    const healed = await pinged(30);
    const { faultAtMs } = healed;
    const symptom = await firstSymptom(nodes, "link-loss", {
      sinceMs: faultAtMs,
      withinMs: 15_000,
    });
    const withMeshmend = await healed.ping.ended;
    fact(
      "withoutMeshmend",
      without.windows.map(({ lossRatio }) => lossRatio),
    );
    fact(
      "withMeshmend",
      withMeshmend.windows.map(({ lossRatio }) => lossRatio),
    );
    fact("healedAfterMs", healedAfterMs(withMeshmend, faultAtMs));
    fact("symptom", symptom);
    if (mesh.algorithm === "BATMAN_V") {
      const broken = lossBetween(without, bare.faultAtMs + 10_000);
      claim("without meshmend it stays broken", broken > 0.2, broken);
    }
    claim(
      `the loss is seen within ${lossSeenWithinMs} ms`,
      symptom !== null && symptom.afterMs <= lossSeenWithinMs,
      symptom,
    );
    const after = lossBetween(withMeshmend, faultAtMs + healedWithinMs);
    claim(
      `pings are back at 0 % loss ${healedWithinMs / 1_000} s after the fault`,
      after === 0,
      after,
    );
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

export const silentNeighbour: Scenario = {
  name: "silent-neighbour",
  description: "a node hears and is not heard: its neighbours say so",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  pending: () => needsFlag(meshFlag),
  async run(context) {
    const { mesh, claim, say } = context;
    const nodes = await startEverywhere(context, { mode: "observe" });
    const silent = mesh.topology.nodes.at(-1)?.name ?? "";
    const witnesses = nodes.filter(({ node }) => peersOf(mesh.topology, silent).includes(node));
    const faultAtMs = await mesh.silence(silent);
    say(`${silent} is silent`);
    for (const daemon of witnesses) {
      const seen = await firstSymptom([daemon], "silent-neighbour", {
        sinceMs: faultAtMs,
        withinMs: 30_000,
      });
      // IV hears of a neighbour once a second, V twice.
      const limitMs = mesh.algorithm === "BATMAN_V" ? silenceSeenWithinMs : 5_000;
      claim(
        `${daemon.node} says so within ${limitMs} ms`,
        seen !== null && seen.afterMs <= limitMs,
        seen,
      );
    }
    await mesh.restore();
    for (const daemon of witnesses) {
      const cleared = await daemon.waitFor(
        ({ event }) =>
          event.kind === "symptom-cleared" && isOf(event.symptom, "silent-neighbour")
            ? event.lastedMs
            : null,
        60_000,
      );
      claim(`${daemon.node} takes it back`, cleared !== null, cleared);
    }
  },
};

export const quiet: Scenario = {
  name: "quiet",
  description: "nothing is wrong, and nobody finds anything: no symptom in so many minutes",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  minutes: 10,
  pending: () => needsFlag(meshFlag),
  async run(context) {
    const { minutes, claim, fact } = context;
    const nodes = await startEverywhere(context, { mode: "act" });
    await delay(minutes * 60_000);
    fact("minutes", minutes);
    for (const daemon of nodes) {
      const raised = daemon.eventsOf("symptom-raised").map(({ event }) => event.symptom.summary);
      claim(`${daemon.node} raised nothing`, raised.length === 0, raised);
      const decisions = await daemon.decisions();
      claim(`${daemon.node} decided nothing`, decisions.length === 0, decisions.length);
    }
  },
};
