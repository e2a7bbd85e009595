/** What the actuators refuse, hand on and say; the kernel's part is tested in namespaces. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failed, fault, type Logger, ok } from "../../../../src/base/index.ts";
import {
  InterfaceActuator,
  type RunCommand,
  TellActuator,
} from "../../../../src/mape-k/io/index.ts";
import { realClock } from "../../../support/real-clock.ts";

const never = new AbortController().signal;

describe("the interface actuator", () => {
  let sysRoot: string;
  beforeEach(() => {
    sysRoot = mkdtempSync(join(tmpdir(), "meshmend-sys-"));
    mkdirSync(join(sysRoot, "class/net/mesh0"), { recursive: true });
    setFlags("0x1003\n");
  });
  afterEach(() => rmSync(sysRoot, { recursive: true }));

  function setFlags(text: string): void {
    writeFileSync(join(sysRoot, "class/net/mesh0/flags"), text);
  }
  function actuator(run: RunCommand, timeoutMs = 10_000): InterfaceActuator {
    return new InterfaceActuator({ clock: realClock, run }, { sysRoot, timeoutMs });
  }
  const says = (exitCode: number, stderr: string): RunCommand => {
    return async () => ok({ exitCode, stdout: "", stderr, truncated: false });
  };
  const up = { kind: "interface-up", interface: "mesh0" } as const;

  it("never runs a command for a name the kernel would not accept", async () => {
    const run: RunCommand = () => {
      throw new Error("it ran");
    };
    for (const name of ["-h", "../mesh0", "a b", "", "..", "x".repeat(16)]) {
      const outcome = await actuator(run).apply({ kind: "interface-up", interface: name }, never);
      expect(outcome).toMatchObject({ fault: { code: "E_NO_SUCH_SUBJECT" } });
    }
  });

  it("does not take the command's word: the flags decide", async () => {
    setFlags("0x1002\n");
    const outcome = await actuator(says(0, "")).apply(up, never);
    expect(outcome).toMatchObject({ fault: { code: "E_ACTION_FAILED" } });
  });

  it.each([
    ["RTNETLINK answers: Operation not permitted\n", "E_NOT_PERMITTED"],
    ["ip: ioctl 0x8914 failed: Operation not permitted\n", "E_NOT_PERMITTED"],
    ['Cannot find device "mesh0"\n', "E_NO_SUCH_SUBJECT"],
    ["ip: can't find device 'mesh0'\n", "E_NO_SUCH_SUBJECT"],
    ["RTNETLINK answers: Device or resource busy\n", "E_ACTION_FAILED"],
  ])("understands %j", async (stderr, code) => {
    expect(await actuator(says(2, stderr)).apply(up, never)).toMatchObject({ fault: { code } });
  });

  it("says which tool is missing", async () => {
    const run: RunCommand = async () => failed(fault("E_NO_COMMAND", "there is no ip"));
    const outcome = await actuator(run).apply(up, never);
    expect(outcome).toMatchObject({ fault: { code: "E_NO_CAPABILITY" } });
    expect(!outcome.ok && outcome.fault.remedy).toContain("iproute2");
  });

  it("stops a command that takes longer than it may", async () => {
    const stuck: RunCommand = (_command, _args, signal) =>
      new Promise((resolve) => {
        const stop = () => resolve(failed(fault("E_COMMAND_ABORTED", "stopped")));
        signal.addEventListener("abort", stop, { once: true });
      });
    const outcome = await actuator(stuck, 20).apply(up, never);
    expect(outcome).toMatchObject({ fault: { code: "E_ACTION_TIMEOUT" } });
  });

  it("sets it up again when the down of a bounce was stopped half-way", async () => {
    const ran: (string | undefined)[] = [];
    const run: RunCommand = async (_command, args) => {
      ran.push(args.at(-1));
      if (args.at(-1) === "up")
        return ok({ exitCode: 0, stdout: "", stderr: "", truncated: false });
      return failed(fault("E_COMMAND_ABORTED", "stopped"));
    };
    const bounce = { kind: "interface-bounce", interface: "mesh0", downMs: 1 } as const;
    const outcome = await actuator(run).apply(bounce, never);
    expect(outcome).toMatchObject({ fault: { code: "E_ACTION_TIMEOUT" } });
    expect(ran).toEqual(["down", "up"]);
  });
});

describe("the tell actuator", () => {
  it("writes one line at the level of the severity, and nothing else", async () => {
    const lines: string[] = [];
    const note = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
    const logger: Logger = {
      debug: note("debug"),
      info: note("info"),
      warn: note("warn"),
      error: note("error"),
      child: () => logger,
    };
    const tell = new TellActuator({ logger });
    for (const severity of ["info", "warning", "critical"] as const) {
      const outcome = await tell.apply({ kind: "tell", severity, message: "mesh0" });
      expect(outcome).toEqual({ ok: true, value: undefined });
    }
    expect(lines).toEqual(["info mesh0", "warn mesh0", "error mesh0"]);
    const other = await tell.apply({ kind: "interface-up", interface: "mesh0" });
    expect(other).toMatchObject({ fault: { code: "E_NO_CAPABILITY" } });
  });
});
