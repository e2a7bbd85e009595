/** The process entry: arguments in, exit code out. bin/meshmend runs it. */

import { CommanderError } from "commander";
import { exitCode } from "./exit-code.ts";
import { createProgram } from "./program.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Gives the exit code; every failure has been told by then. */
async function main(terminal: Terminal, words: readonly string[]): Promise<number> {
  let code: number = exitCode.ok;
  const program = createProgram(terminal, (ended) => {
    code = ended;
  });
  if (words.length === 0) {
    terminal.complain(program.helpInformation());
    return exitCode.usage;
  }
  try {
    await program.parseAsync(words, { from: "user" });
    return code;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    // Help that was asked for ends with 0; everything else is a wrong command line.
    return thrown.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
}

/** A broken invariant must not limp on: it is said, and the process ends. */
function crash(thrown: unknown): never {
  const trace = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  process.stderr.write(`meshmend: internal error: ${trace}\n`);
  process.exit(exitCode.internal);
}

process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCode.pipeClosed);
    crash(error);
  });
}

process.exitCode = await main(processTerminal(process), process.argv.slice(2));

/**
 * The work is done and told. What is still under way then (a command stuck in the kernel, an answer
 * that never comes) would keep the process, and whoever waits for its end, for as long as it likes.
 */
const lingerMs = 250;
setTimeout(() => process.exit(), lingerMs).unref();
