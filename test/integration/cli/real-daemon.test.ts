/** The commands against the daemon of the same sources: their shapes must be what it serves. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
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
        MESHMEND_LOOP_PERIOD: "100ms",
        MESHMEND_THRESHOLDS_TARGET_FAILURES: "1",
        MESHMEND_TARGETS: "tcp://127.0.0.1:1",
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
    for (let round = 0; explained.code === 4 && round < 60; round++) {
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
    const environment = { MESHMEND_TARGETS: "" };
    const sameDirectory = await runCli(["run", "--http", "127.0.0.1:0"], { cwd, environment });
    expect(sameDirectory.code).toBe(5);
    const words = ["run", "--http", address, "--data-dir", "other"];
    const sameAddress = await runCli(words, { cwd, environment });
    expect(sameAddress.code).toBe(5);
  });

  it("SIGTERM ends the daemon with 0", async () => {
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });
});
