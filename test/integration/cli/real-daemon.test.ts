/** The commands against the daemon of the same sources: their shapes must be what it serves. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "./run-cli.ts";

const root = join(import.meta.dirname, "../../..");
let cwd = "";
let child: ChildProcess;
let address = "";

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "meshmend-cli-"));
  // Nothing listens on port 1, so there is soon something to decide.
  child = spawn(
    join(root, "bin/meshmend"),
    ["run", "--http", "127.0.0.1:0", "--log-format", "json"],
    {
      cwd,
      env: {
        PATH: process.env["PATH"],
        HOME: cwd,
        MESHMEND_GRPC: "127.0.0.1:0",
        MESHMEND_LOOP_PERIOD: "100ms",
        MESHMEND_THRESHOLDS_TARGET_FAILURES: "1",
        MESHMEND_TARGETS: "tcp://127.0.0.1:1",
        MESHMEND_THRESHOLDS_PRESSURE_RATIO: "100%",
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let log = "";
  for await (const chunk of child.stdout ?? []) {
    log += String(chunk);
    address = /"http":"http:\/\/([^"]+)"/.exec(log)?.[1] ?? "";
    if (address !== "") break;
  }
  // Unread output must not hold the daemon up.
  child.stdout?.resume();
});

afterAll(async () => {
  if (child.exitCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(cwd, { recursive: true, force: true });
});

const cli = (...words: string[]) => runCli(words, { cwd, environment: { MESHMEND_HTTP: address } });

describe("against a running daemon", () => {
  it("every question gets an answer it understands", async () => {
    let explained = await cli("explain", "last");
    // A busy machine may well find symptoms of its own before.
    const isAwaited = () => explained.stdout.includes("target-unreachable");
    for (let round = 0; !isAwaited() && round < 60; round++) {
      await wait(500);
      explained = await cli("explain", "last");
    }
    expect(explained).toMatchObject({ code: 0, stderr: "" });
    expect(explained.stdout).toContain("target-unreachable");
    const [, id = ""] = /^Decision (\w{26})/.exec(explained.stdout) ?? [];
    for (const words of [
      ["status"],
      ["decisions"],
      ["plan", "--dry-run"],
      ["explain", id.slice(0, 22)],
    ]) {
      expect(await cli(...words), words.join(" ")).toMatchObject({ code: 0, stderr: "" });
    }
    expect((await cli("decisions")).stdout).toContain(id);
  });

  it("events are understood as they come", async () => {
    const environment = { MESHMEND_HTTP: address };
    const signalOn = [/decided {2}/, "SIGINT"] as const;
    const ran = await runCli(["events", "--after", "0"], { cwd, environment, signalOn });
    expect(ran).toMatchObject({ code: 130, stderr: "" });
  });

  it("a decision that does not wait cannot be confirmed", async () => {
    const { code, stderr } = await cli("confirm", "last");
    expect(code).toBe(1);
    expect(stderr).toContain("E_NOT_WAITING");
  });

  it("a second daemon ends with 5, for its directory and for its address", async () => {
    // Probes that had begun before the refusal would keep the process from ending.
    const environment = { MESHMEND_TARGETS: "tcp://127.0.0.1:1" };
    const sameDirectory = await runCli(["run", "--http", "127.0.0.1:0"], { cwd, environment });
    expect(sameDirectory.code).toBe(5);
    const words = ["run", "--http", address, "--data-dir", "other"];
    const sameAddress = await runCli(words, { cwd, environment });
    expect(sameAddress.code).toBe(5);
  });

  it("a terminal that is closed stops a daemon as cleanly as SIGTERM", async () => {
    const words = ["run", "--http", "127.0.0.1:0", "--data-dir", "closed-terminal"];
    const signalOn = [/watches this machine/, "SIGHUP"] as const;
    const { code, stdout } = await runCli(words, { cwd, signalOn });
    expect(stdout).toContain("stopping on SIGHUP");
    expect(code).toBe(0);
  });

  it("SIGUSR1 opens no debugger", async () => {
    child.kill("SIGUSR1");
    await wait(500);
    expect(child.exitCode).toBeNull();
    const sockets = readdirSync(`/proc/${child.pid}/fd`)
      .map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`))
      .flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
    const listening = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === "0A" && sockets.includes(columns[9] ?? ""));
    // HTTP and gRPC.
    expect(listening).toHaveLength(2);
  });

  it("SIGTERM ends the daemon with 0", async () => {
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });
});
