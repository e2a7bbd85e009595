/**
 * `meshmend plan --dry-run`: what would be done now, and why; nothing is touched. The daemon is
 * asked; where none runs, this machine is looked at for a few beats by the same code.
 */

import {
  type DryRun,
  type Observation,
  observationsShape,
  plansShape,
  type Symptom,
} from "../answers.ts";
import { findDaemon } from "../daemon-address.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { complainOf, printable, type Terminal } from "../terminal.ts";
import { actionsWords, stateWords } from "../words.ts";
import { compileForRun, type RunFlags } from "./config.ts";

export interface PlanOptions extends RunFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly beats: number;
}

/** What is printed, whoever made it: the daemon, or `dryRunHere` of src/node. */
interface PlanReport {
  readonly observation: Observation | null;
  readonly symptoms: readonly Symptom[];
  readonly plans: readonly DryRun[];
}

export async function plan(terminal: Terminal, options: PlanOptions): Promise<ExitCode> {
  if (options.dryRun !== true) {
    const message = "plans are carried out by the daemon alone, see `meshmend run --mode act`";
    const remedy = "add --dry-run to see what it would do";
    return complainOf(terminal, { exit: exitCode.usage, code: "E_USAGE", message, remedy });
  }
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  const plans = await daemon.value.get("/api/v1/mape-k/plan", plansShape);
  if (plans.ok) {
    const seen = await daemon.value.get("/api/v1/mape-k/observations", observationsShape);
    if (!seen.ok) return complainOf(terminal, seen.fault);
    const symptoms = plans.value.plans.map(({ symptom }) => symptom);
    const report = { observation: seen.value.observation, symptoms, plans: plans.value.plans };
    return show(terminal, report, `the daemon at ${daemon.value.address}`, options);
  }
  const named = options.http ?? terminal.environment["MESHMEND_HTTP"];
  // A daemon that was named and is not there is an error, not a reason to look elsewhere.
  if (plans.fault.exit !== exitCode.unreachable || named !== undefined) {
    return complainOf(terminal, plans.fault);
  }
  const compiled = await compileForRun(terminal, options);
  if (compiled === null) return exitCode.usage;
  const { dryRunHere } = await import("../../node/index.ts");
  const report = await dryRunHere(compiled.config, options.beats);
  return show(
    terminal,
    report,
    `this machine, over ${options.beats} beats (no daemon runs)`,
    options,
  );
}

function show(
  terminal: Terminal,
  report: PlanReport,
  seenBy: string,
  { json }: PlanOptions,
): ExitCode {
  if (json === true) {
    terminal.write(`${JSON.stringify(report, null, 2)}\n`);
    return exitCode.ok;
  }
  terminal.write(`Seen by ${seenBy}. Nothing is touched.\n`);
  for (const { sensor, fault } of report.observation?.faults ?? []) {
    terminal.write(`not seen: ${printable(`${sensor}: ${fault.message}`)}\n`);
  }
  const planned = new Set(report.plans.map(({ symptom }) => symptom.key));
  for (const symptom of report.symptoms) {
    if (!planned.has(symptom.key)) terminal.write(`\n${headline(terminal, symptom)}\n  no plan\n`);
  }
  for (const each of report.plans) terminal.write(`\n${planText(terminal, each)}`);
  if (report.symptoms.length === 0)
    terminal.write("Nothing is wrong, so there is nothing to do.\n");
  return exitCode.ok;
}

function headline(terminal: Terminal, { severity, summary, key }: Symptom): string {
  return `${stateWords(terminal, severity)}  ${printable(summary)} (${printable(key)})`;
}

function planText(terminal: Terminal, { symptom, plan: made, admitted, refusal }: DryRun): string {
  const guard = admitted ? "would admit it" : `would refuse it: ${printable(refusal ?? "?")}`;
  return [
    headline(terminal, symptom),
    `  why:       ${printable(made.reason)}`,
    `  to do:     ${actionsWords(made.actions)}`,
    `  take back: ${actionsWords(made.undo)}`,
    `  expected:  ${printable(made.expectedGain)}`,
    `  the guard in mode act ${guard}`,
    "",
  ].join("\n");
}
