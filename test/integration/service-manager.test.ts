import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Logger } from "../../src/base/index.ts";
import { silentLogger } from "../../src/base/index.ts";
import { serviceManager } from "../../src/node/io/service-manager.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0).reverse()) each();
});

function recordingLogger() {
  const warnings: unknown[] = [];
  const warn: Logger["warn"] = (_message, fields) => void warnings.push(fields);
  return { warnings, logger: { ...silentLogger, warn } };
}

const environment = (more: Readonly<Record<string, string>>) => ({
  PATH: process.env["PATH"],
  ...more,
});

/** What a service manager would hear: systemd-socket-activate hands the datagrams to a program. */
async function listen() {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-notify-"));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, "notify");
  const heard = join(folder, "heard");
  const receiver = [
    "--datagram",
    "--inetd",
    "--listen",
    socket,
    "sh",
    "-c",
    `exec cat > '${heard}'`,
  ];
  const child = spawn("systemd-socket-activate", receiver, { stdio: "ignore" });
  const missing = await new Promise<boolean>((resolve) => {
    child.once("spawn", () => resolve(false));
    child.once("error", () => resolve(true));
  });
  if (missing) return null;
  undo.push(() => child.kill("SIGKILL"));
  for (let round = 0; !existsSync(socket) && round < 200; round++) await wait(25);
  const read = () => (existsSync(heard) ? readFileSync(heard, "utf8") : "");
  return {
    socket,
    async until(pattern: RegExp) {
      for (let round = 0; !pattern.test(read()) && round < 400; round++) await wait(25);
      return read();
    },
  };
}

describe("the service manager", () => {
  it("hears that the daemon is ready, alive, how it is, and that it stops", async (ctx) => {
    const receiver = await listen();
    if (receiver === null) return ctx.skip("needs systemd-socket-activate");
    const { warnings, logger } = recordingLogger();
    const manager = serviceManager(environment({ NOTIFY_SOCKET: receiver.socket }), { logger });
    manager.ready();
    manager.alive();
    manager.status("beat 7\nREADY=0");
    manager.stopping();
    await manager.drained();
    const heard = await receiver.until(/STOPPING=1/);
    expect(heard).toMatch(/READY=1[\s\S]*WATCHDOG=1[\s\S]*STATUS=beat 7 READY=0[\s\S]*STOPPING=1/);
    expect(warnings).toEqual([]);
  });

  it("is spared what is out of date", async (ctx) => {
    const receiver = await listen();
    if (receiver === null) return ctx.skip("needs systemd-socket-activate");
    const options = environment({ NOTIFY_SOCKET: receiver.socket });
    const manager = serviceManager(options, { logger: silentLogger });
    for (let beat = 0; beat <= 50; beat++) manager.status(`beat ${beat};`);
    await manager.drained();
    const heard = await receiver.until(/beat 50;/);
    expect(heard.match(/STATUS=/g)?.length).toBeLessThanOrEqual(2);
  });

  it("that cannot be told is reported once, and nothing fails", async () => {
    const { warnings, logger } = recordingLogger();
    const options = environment({ NOTIFY_SOCKET: "/nonexistent/socket" });
    const manager = serviceManager(options, { logger, program: "/nonexistent/systemd-notify" });
    manager.ready();
    await manager.drained();
    manager.stopping();
    await manager.drained();
    expect(warnings).toEqual([{ kind: "ready", failure: expect.stringContaining("ENOENT") }]);
  });

  it("that does not exist is told nothing", async () => {
    const { warnings, logger } = recordingLogger();
    const manager = serviceManager(environment({}), { logger, program: "/nonexistent/notify" });
    expect(manager).toMatchObject({ present: false, watchdogIntervalMs: null });
    manager.ready();
    await manager.drained();
    expect(warnings).toEqual([]);
  });
});

describe("the watchdog", () => {
  const interval = (more: Readonly<Record<string, string>>) => {
    const options = { NOTIFY_SOCKET: "/run/x", ...more };
    return serviceManager(options, { logger: silentLogger }, 42).watchdogIntervalMs;
  };

  it("is fed at half its time", () => {
    expect(interval({ WATCHDOG_USEC: "30000000" })).toBe(15_000);
    expect(interval({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" })).toBe(15_000);
  });

  it("of another process, or none, is not fed", () => {
    expect(interval({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "43" })).toBeNull();
    expect(interval({})).toBeNull();
    expect(interval({ WATCHDOG_USEC: "0" })).toBeNull();
    expect(interval({ WATCHDOG_USEC: "soon" })).toBeNull();
  });
});
