/**
 * What users see without a healer: 60 % loss on the direct link, both directions. BATMAN_IV finds a
 * way round by itself, late; BATMAN_V never does on wired links, for its throughput metric does not
 * know loss. These two rows are what this project exists to beat.
 */

import { setTimeout as delay } from "node:timers/promises";
import { healedAfterMs, linkToSpoil, lossBetween, percent, type Scenario } from "./scenario.ts";

const beforeMs = 4_000;
const secondsAfter = 36;

export const bareTriangle: Scenario = {
  name: "bare-triangle",
  description: "60 % loss on the direct link and nobody heals: what a user's ping sees",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  async run({ mesh, say, claim, fact }) {
    const [from, to] = linkToSpoil(mesh.topology);
    const ping = mesh.ping(from, to, {
      seconds: beforeMs / 1_000 + secondsAfter,
      onWindow: ({ sinceStartMs, lossRatio }) =>
        say(`${sinceStartMs / 1_000} s  ping ${from} -> ${to} loses ${percent(lossRatio)}`),
    });
    await delay(beforeMs);
    const faultAtMs = await mesh.loss(`${from}-${to}`, 0.6);
    say(`60 % loss on ${from}-${to}, both directions`);
    const report = await ping.ended;
    const endMs = report.startedAtMs + (beforeMs + secondsAfter * 1_000);
    const before = lossBetween(report, 0, faultAtMs - 1_500);
    const soonAfter = lossBetween(report, faultAtMs, faultAtMs + 5_000);
    const atTheEnd = lossBetween(report, endMs - 10_000);
    fact(
      "lossPerSecond",
      report.windows.map(({ lossRatio }) => lossRatio),
    );
    fact("healedAfterMs", healedAfterMs(report, faultAtMs));
    claim("pings pass before the fault", before < 0.05, before);
    claim("pings are lost in the first 5 s of the fault", soonAfter > 0.2, soonAfter);
    if (mesh.algorithm === "BATMAN_V") {
      claim("BATMAN_V still loses pings half a minute later", atTheEnd > 0.2, atTheEnd);
    } else {
      claim("BATMAN_IV found the way round within half a minute", atTheEnd < 0.1, atTheEnd);
    }
  },
};
