/** The lab's agent and the host's end of it, without a machine between them. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Guest } from "../../lab/host/guest.ts";
import { childChannel } from "../../lab/host/virtual-machine.ts";

const agentFile = join(import.meta.dirname, "../../lab/guest/agent.ts");

function startAgent() {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", agentFile], {
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** A process that nobody has buried yet does not run any more. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("the lab's agent", () => {
  let agent: ReturnType<typeof startAgent>;
  let guest: Guest;
  beforeEach(() => {
    agent = startAgent();
    guest = new Guest(childChannel(agent, () => "post mortem"));
  });
  afterEach(() => {
    agent.kill("SIGKILL");
  });

  it("runs a command, with its input and environment, and gives back what it wrote", async () => {
    const end = await guest.run(["sh", "-c", 'cat; echo "$WORD" >&2'], {
      input: "in",
      environment: { WORD: "err" },
    });
    expect(end).toMatchObject({ exitCode: 0, endedBy: null, stdout: "in", stderr: "err\n" });
  });

  it("throws what a failed command said, unless it may fail", async () => {
    const command = ["sh", "-c", "echo no >&2; exit 3"];
    await expect(guest.run(command)).rejects.toThrow(/exit code 3\nno/);
    expect((await guest.run(command, { mayFail: true })).exitCode).toBe(3);
  });

  it("throws for a program that is not there, even when it may fail", async () => {
    await expect(guest.run(["no-such-program"], { mayFail: true })).rejects.toThrow("ENOENT");
  });

  it("kills a command that takes too long, with all it started", async () => {
    const command = ["sh", "-c", "sleep 60 & echo $!; wait"];
    const error = await guest.run(command, { timeoutMs: 500 }).catch((thrown) => thrown);
    expect(error.end).toMatchObject({ endedBy: "timeout" });
    const child = Number(error.end.stdout);
    expect(child).toBeGreaterThan(0);
    expect(runs(child)).toBe(false);
  });

  it("stops a script at its first failure", async () => {
    const script = guest.script("echo one\nfalse\necho two\n");
    await expect(script).rejects.toSatisfy((thrown) => thrown.end.stdout === "one\n");
  });

  it("keeps what is printed within bounds, and counts the rest", async () => {
    const end = await guest.run(["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"]);
    expect(end.stdout.length).toBeLessThanOrEqual(1_048_576);
    expect(end.stdout.length + end.droppedBytes).toBe(3_000_000);
  });

  it("passes on the lines of a long-lived process as they come, and its end", async () => {
    const process = guest.start(["sh", "-c", "echo a; sleep 0.2; echo b >&2; exec sleep 60"]);
    const lines: string[] = [];
    const both = new Promise<void>((resolve) =>
      process.onLine(({ from, line }) => {
        if (lines.push(`${from} ${line}`) === 2) resolve();
      }),
    );
    await both;
    expect(lines).toEqual(["stdout a", "stderr b"]);
    expect(await process.stop()).toMatchObject({ exitCode: null, endedBy: "SIGTERM" });
  });

  it("kills a process that does not mind SIGTERM", async () => {
    const process = guest.start(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"]);
    await new Promise<void>((resolve) => process.onLine(() => resolve()));
    expect(await process.stop(300)).toMatchObject({ endedBy: "SIGKILL" });
  });

  it("ends all that runs on reset", async () => {
    const process = guest.start(["sleep", "60"]);
    await guest.reset();
    expect(await process.ended).toMatchObject({ endedBy: "SIGKILL" });
  });

  it("ends, with all it started, when its host is gone", async () => {
    const { stdout } = await guest.run(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]);
    const sleeper = guest.start(["sleep", "60"]);
    const gone = new Promise((resolve) => agent.once("exit", resolve));
    agent.stdin.end();
    expect(await gone).toBe(0);
    expect((await sleeper.ended).endedBy).toContain("post mortem");
    expect(runs(Number(stdout))).toBe(false);
  });

  it("answers at once that it is gone", async () => {
    const gone = new Promise((resolve) => agent.once("exit", resolve));
    agent.kill("SIGKILL");
    await gone;
    await expect(guest.run(["true"])).rejects.toThrow("SIGKILL");
  });
});
