/** `meshmend config check`, `print` and `reference`; and the configuration of `run`. */

import { hostname } from "node:os";
import {
  type CompiledConfig,
  compileConfig,
  options as configOptions,
  configReference,
  describeSource,
  editorSchema,
  formatConfigFault,
  placeInFile,
  readConfigFile,
  writeValue,
} from "../../config/index.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { printable, type Terminal } from "../terminal.ts";

/** The flags that `run`, `plan` and `config` share; each but `config` is an option's own. */
export interface RunFlags {
  readonly config?: string;
  readonly mode?: string;
  readonly http?: string;
  readonly dataDir?: string;
  readonly nodeId?: string;
  readonly meshInterface?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

export interface FoundConfig extends CompiledConfig {
  /** The file it was read from; null when there is none. */
  readonly path: string | null;
}

/** Null when there are faults; all of them have then been told, one a line. */
export async function compileForRun(
  terminal: Terminal,
  flags: RunFlags,
): Promise<FoundConfig | null> {
  const file = await readConfigFile(flags.config ?? terminal.environment["MESHMEND_CONFIG"]);
  if (!file.ok) {
    terminal.complain(`${printable(formatConfigFault(file.fault))}\n`);
    return null;
  }
  const compiled = compileConfig({
    ...(file.value !== null && { file: file.value }),
    environment: terminal.environment,
    flags: {
      mode: flags.mode,
      http: flags.http,
      "data-dir": flags.dataDir,
      "node-id": flags.nodeId,
      "mesh-interface": flags.meshInterface,
      "log-level": flags.logLevel,
      "log-format": flags.logFormat,
    },
    hostName: hostname(),
    workingDirectory: terminal.workingDirectory,
  });
  if (compiled.ok) return { ...compiled.value, path: file.value?.path ?? null };
  for (const fault of compiled.fault) terminal.complain(`${printable(formatConfigFault(fault))}\n`);
  return null;
}

export async function configCheck(terminal: Terminal, flags: RunFlags): Promise<ExitCode> {
  const found = await compileForRun(terminal, flags);
  if (found === null) return exitCode.usage;
  terminal.write(`${found.path ?? "no file, only defaults, environment and flags"}: good\n`);
  return exitCode.ok;
}

export interface ConfigPrintOptions extends RunFlags {
  readonly json?: boolean;
}

/** YAML that is itself a configuration file, with the source of each value beside it. */
export async function configPrint(
  terminal: Terminal,
  options: ConfigPrintOptions,
): Promise<ExitCode> {
  const found = await compileForRun(terminal, options);
  if (found === null) return exitCode.usage;
  const { config, sources, values } = found;
  if (options.json === true) {
    terminal.write(`${JSON.stringify({ config, sources }, null, 2)}\n`);
    return exitCode.ok;
  }
  let before: (typeof configOptions)[number] | null = null;
  for (const option of configOptions) {
    const { path, keys, schema } = option;
    const { headings, indent } = placeInFile(option, before);
    before = option;
    for (const heading of headings) terminal.write(`${heading}\n`);
    const source = sources[path];
    const from = source === undefined ? "default" : describeSource(source);
    const line = `${indent}${keys.at(-1)}: ${writeValue(schema, values[path])}`;
    terminal.write(`${line}${terminal.paint("dim", `  # ${printable(from)}`)}\n`);
  }
  return exitCode.ok;
}

export function configPrintReference(terminal: Terminal, jsonSchema: boolean): ExitCode {
  terminal.write(jsonSchema ? `${JSON.stringify(editorSchema, null, 2)}\n` : configReference());
  return exitCode.ok;
}
