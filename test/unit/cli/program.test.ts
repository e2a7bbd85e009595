import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { completionScript } from "../../../src/cli/completion.ts";
import { exitCode, exitCodeReference, exitCodes } from "../../../src/cli/exit-code.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { processTerminal } from "../../../src/cli/terminal.ts";
import { options } from "../../../src/config/index.ts";

const nowhere = { write: () => true };
const terminal = processTerminal({
  env: {},
  stdout: nowhere,
  stderr: nowhere,
  cwd: () => "/",
  once: () => undefined,
});
const program = createProgram(terminal, () => {});

function* everyCommand(command: Command): Generator<Command> {
  for (const each of command.commands) {
    yield each;
    yield* everyCommand(each);
  }
}

const commandNamed = (name: string): Command => {
  const found = program.commands.find((each) => each.name() === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
};

describe("the commands", () => {
  it("each say what they do", () => {
    for (const command of everyCommand(program)) expect(command.description()).not.toBe("");
  });

  it("give run a flag for each option that has one, and no other", () => {
    const declared = options.flatMap(({ flag }) => (flag === null ? [] : [flag]));
    const offered = commandNamed("run").options.map(({ long }) => long);
    expect(new Set(offered)).toEqual(new Set([...declared, "--config"]));
  });

  it.each(["bash", "zsh", "fish"] as const)("are all completed by %s", (shell) => {
    const script = completionScript(program, shell);
    for (const command of everyCommand(program)) expect(script).toContain(command.name());
  });
});

describe("the exit codes", () => {
  it("are what docs/exit-codes.md says", () => {
    const path = new URL("../../../docs/exit-codes.md", import.meta.url);
    expect(readFileSync(path, "utf8")).toBe(exitCodeReference());
  });

  it("are different, and go by name", () => {
    expect(new Set(exitCodes.map(({ code }) => code)).size).toBe(exitCodes.length);
    expect(exitCode.usage).toBe(2);
    expect(exitCode.unreachable).toBe(3);
  });
});
