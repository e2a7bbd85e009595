/** `meshmend doctor`: what this machine lets the daemon do, what is missing, and how to get it. */

import { columns } from "../columns.ts";
import { type Check, canRun } from "../doctor/check.ts";
import { runChecks } from "../doctor/checks.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { printable, type Terminal } from "../terminal.ts";
import { stateWords } from "../words.ts";
import { compileForRun, type RunFlags } from "./config.ts";

export interface DoctorOptions extends RunFlags {
  readonly json?: boolean;
}

export async function doctor(terminal: Terminal, options: DoctorOptions): Promise<ExitCode> {
  const found = await compileForRun(terminal, options);
  if (found === null) return exitCode.usage;
  const checks = await runChecks(found.config, terminal.environment);
  const possible = canRun(checks);
  if (options.json === true) {
    terminal.write(`${JSON.stringify({ canRun: possible, checks }, null, 2)}\n`);
  } else terminal.write(report(terminal, checks, possible));
  return possible ? exitCode.ok : exitCode.failure;
}

function report(terminal: Terminal, checks: readonly Check[], possible: boolean): string {
  const rows = checks.map((check) => {
    const remedy = check.state === "no" ? `; to get it: ${check.remedy}` : "";
    return [
      stateWords(terminal, check.state),
      check.name,
      printable(`${check.detail}${remedy}`),
      terminal.paint("dim", check.purpose),
    ];
  });
  const missing = checks.filter(({ state }) => state === "no");
  const names = (some: readonly Check[]) => some.map(({ name }) => name).join(", ");
  const verdict = possible
    ? `The daemon can run here; missing: ${missing.length === 0 ? "nothing" : names(missing)}.`
    : `The daemon cannot run here for want of: ${names(missing.filter(({ required }) => required))}.`;
  return `${columns(terminal, ["", "what", "seen", "for"], rows)}\n${verdict}\n`;
}
