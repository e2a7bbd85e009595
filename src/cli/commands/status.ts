/** `meshmend status`: how the node is, on one screen. */

import { setTimeout as wait } from "node:timers/promises";
import { ok, type Result } from "../../base/index.ts";
import {
  type Decision,
  decisionPageShape,
  type HealthAnswer,
  healthShape,
  observationsShape,
  symptomsShape,
} from "../answers.ts";
import { columns } from "../columns.ts";
import { type DaemonOptions, findDaemon } from "../daemon-address.ts";
import type { DaemonClient } from "../daemon-client.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import type { Shaped } from "../shape.ts";
import { type CliFault, complainOf, printable, type Terminal } from "../terminal.ts";
import { actionsWords, clockTime, outcomeWords, span, stateWords, wallTime } from "../words.ts";

export interface StatusOptions extends DaemonOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

const redrawMs = 1_000;
const latestDecisions = 5;

interface Status {
  readonly health: HealthAnswer;
  readonly observations: Shaped<typeof observationsShape>;
  readonly symptoms: Shaped<typeof symptomsShape>["symptoms"];
  readonly decisions: readonly Decision[];
}

export async function status(terminal: Terminal, options: StatusOptions): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  if (options.watch !== true) {
    const seen = await readStatus(daemon.value);
    if (!seen.ok) return complainOf(terminal, seen.fault);
    terminal.write(options.json === true ? asJson(seen.value) : screen(terminal, seen.value));
    return exitCode.ok;
  }
  const interruption = terminal.interruption();
  while (!interruption.aborted) {
    const seen = await readStatus(daemon.value);
    // A daemon that is being restarted comes back: watching goes on.
    const frame = seen.ok
      ? screen(terminal, seen.value)
      : `${terminal.paint("red", printable(seen.fault.message))}\n`;
    if (options.json === true) terminal.write(seen.ok ? asJson(seen.value, 0) : "");
    else terminal.write(terminal.isInteractive ? redrawn(terminal, frame) : `${frame}\n`);
    if (options.json === true && !seen.ok) complainOf(terminal, seen.fault);
    await wait(redrawMs, undefined, { signal: interruption }).catch(ignoreAbort);
  }
  return exitCode.interrupted;
}

/** Over the frame before it; cut at the bottom, or the terminal would push the top out of sight. */
function redrawn(terminal: Terminal, frame: string): string {
  const lines = frame.trimEnd().split("\n");
  const hidden = lines.length - (terminal.rows - 1);
  const shown =
    hidden > 0
      ? [...lines.slice(0, -hidden - 1), terminal.paint("dim", `(${hidden + 1} more lines)`)]
      : lines;
  return `\u001b[H\u001b[J${shown.join("\n")}\n`;
}

/** Being interrupted is how waiting ends; nothing else can fail there. */
const ignoreAbort = (): void => {};

const asJson = (value: Status, indent = 2): string => `${JSON.stringify(value, null, indent)}\n`;

async function readStatus(daemon: DaemonClient): Promise<Result<Status, CliFault>> {
  const base = "/api/v1/mape-k";
  const [health, observations, symptoms, page] = await Promise.all([
    daemon.get("/health", healthShape, [200, 503]),
    daemon.get(`${base}/observations`, observationsShape),
    daemon.get(`${base}/symptoms`, symptomsShape),
    daemon.get(`${base}/decisions?limit=${latestDecisions}`, decisionPageShape),
  ]);
  if (!health.ok) return health;
  if (!observations.ok) return observations;
  if (!symptoms.ok) return symptoms;
  if (!page.ok) return page;
  return ok({
    health: health.value,
    observations: observations.value,
    symptoms: symptoms.value.symptoms,
    decisions: page.value.decisions,
  });
}

function screen(terminal: Terminal, { health, observations, symptoms, decisions }: Status): string {
  const { statistics, observation } = observations;
  const title = (text: string): string => `\n${terminal.paint("bold", text)}\n`;
  const works = (operState: string): boolean => operState === "up" || operState === "unknown";
  const down = observation?.interfaces?.filter((each) => !works(each.operState)).length ?? 0;
  const watched =
    observation === null
      ? "nothing seen yet"
      : `${observation.interfaces?.length ?? "no"} interfaces watched, ${down} down; ` +
        `${observation.targets?.length ?? "no"} targets${unseen(observation.faults)}`;
  return [
    `${terminal.paint("bold", printable(health.node))}  ${stateWords(terminal, health.state)}  ` +
      `mode ${printable(health.mode)}  up ${span(health.uptimeSeconds * 1_000)}  meshmend ${printable(health.version)}\n`,
    `beat ${statistics.beats} every ${span(statistics.periodMs)}, the last took ` +
      `${span(statistics.lastDurationMs)}, ${statistics.missed} missed; ${watched}\n`,
    title(`Symptoms (${symptoms.length})`),
    symptoms.length === 0 ? "none\n" : symptomTable(terminal, symptoms),
    title("Latest decisions"),
    decisions.length === 0 ? "none\n" : decisionTable(terminal, decisions),
    title("Components"),
    componentTable(terminal, health),
  ].join("");
}

/** A sensor may have nothing to look at, as without batman-adv; the components say which it is. */
function unseen(faults: readonly { readonly sensor: string }[]): string {
  if (faults.length === 0) return "";
  return `; not seen: ${faults.map(({ sensor }) => printable(sensor)).join(", ")}`;
}

/** Those that are not well first. */
function componentTable(terminal: Terminal, { components }: HealthAnswer): string {
  const rank = (state: string): number => (state === "failed" ? 0 : state === "degraded" ? 1 : 2);
  const sorted = components.toSorted((one, other) => rank(one.state) - rank(other.state));
  const rows = sorted.map(({ component, state, reason, remedy }) => {
    const why = remedy === undefined ? reason : `${reason}; ${remedy}`;
    return [printable(component), stateWords(terminal, state), printable(why)];
  });
  return columns(terminal, ["component", "state", "why"], rows);
}

function symptomTable(terminal: Terminal, symptoms: Status["symptoms"]): string {
  const rows = symptoms.map(({ severity, subject, summary, raisedWallMs }) => {
    const since = clockTime(raisedWallMs);
    return [stateWords(terminal, severity), printable(subject), since, printable(summary)];
  });
  return columns(terminal, ["severity", "subject", "since", "what"], rows);
}

/** Newest first, as the daemon gives them. */
export function decisionTable(terminal: Terminal, decisions: readonly Decision[]): string {
  const rows = decisions.map((decision) => [
    printable(decision.id),
    wallTime(decision.madeWallMs),
    printable(decision.symptom.key),
    actionsWords(decision.plan.actions),
    stateWords(terminal, outcomeWords(decision)),
  ]);
  return columns(terminal, ["id", "made", "because of", "to do", "outcome"], rows);
}
