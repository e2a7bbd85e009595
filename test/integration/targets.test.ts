/** Probes over real sockets and the system's ping. */

import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../src/base/index.ts";
import { commandRunner, networkProbes, TargetsSensor } from "../../src/mape-k/io/index.ts";
import type { Reachability } from "../../src/mape-k/observation.ts";
import { realClock } from "../support/real-clock.ts";

const run = commandRunner(realClock);
const settled = { timeout: 20_000, interval: 20 };

describe("targets on this machine", () => {
  let server: Server;
  let sensor: TargetsSensor | null = null;
  beforeEach(async () => {
    server = createServer((socket) => {
      socket.on("error", () => {}); // probes end with a reset
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  });
  afterEach(async () => {
    await sensor?.close();
    await new Promise((closed) => server.close(closed));
  });

  function port(): number {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return address.port;
  }
  function watch(url: string, command = run): () => Reachability | undefined {
    const targets = [{ name: "it", url, intervalMs: 50, timeoutMs: 1000 }];
    const makeProbe = networkProbes(realClock, command);
    const parts = { clock: realClock, random: seededRandom(1), makeProbe };
    const opened = new TargetsSensor(parts, { targets, maxConcurrent: 16 });
    sensor = opened;
    opened.start();
    return () => {
      const sample = opened.sample();
      return sample.ok ? sample.value[0]?.reachability : undefined;
    };
  }

  it("a listener is reachable, with a latency", async () => {
    const read = watch(`tcp://127.0.0.1:${port()}`);
    await expect.poll(read, settled).toMatchObject({ kind: "reachable" });
    const seen = read();
    expect(seen?.kind === "reachable" && seen.latencyMs >= 0 && seen.latencyMs < 1000).toBe(true);
  });

  it("a port that nobody listens on is unreachable, and reachable once somebody does", async () => {
    const free = port();
    await new Promise((closed) => server.close(closed));
    const read = watch(`tcp://127.0.0.1:${free}`);
    await expect.poll(read, settled).toEqual({ kind: "unreachable", reason: "ECONNREFUSED" });
    await new Promise<void>((listening) => server.listen(free, "127.0.0.1", listening));
    await expect.poll(read, settled).toMatchObject({ kind: "reachable" });
  });

  it("a host name is looked up as the machine does it", async (ctx) => {
    const found = await run("getent", ["ahosts", "localhost"], ctx.signal);
    if (!found.ok) return ctx.skip(`needs getent: ${found.fault.message}`);
    await expect
      .poll(watch(`tcp://localhost:${port()}`), settled)
      .toMatchObject({ kind: "reachable" });
  });

  it("a name that is never answered is unreachable, and its lookup does not outlive the probe", async () => {
    let underWay = 0;
    const read = watch("tcp://roof-3.example:80", async (_command, _args, signal) => {
      underWay++;
      const end = await run("sleep", ["60"], signal);
      underWay--;
      return end;
    });
    const reason = "no address of roof-3.example in time";
    await expect.poll(read, settled).toEqual({ kind: "unreachable", reason });
    expect(underWay).toBeLessThanOrEqual(1);
    const askedMs = performance.now();
    await sensor?.close();
    expect(performance.now() - askedMs).toBeLessThan(20_000);
    expect(underWay).toBe(0);
  });

  it("without getent a named target is unknown, not unreachable", async () => {
    const read = watch("tcp://roof-3.example:80", (_command, args, signal) =>
      run("no-such-getent", args, signal),
    );
    await expect
      .poll(read, settled)
      .toMatchObject({ kind: "unknown", reason: expect.stringContaining("no-such-getent") });
  });

  it("the loopback answers a ping", async (ctx) => {
    const ping = await run("ping", ["-n", "-c", "1", "-W", "1", "127.0.0.1"], ctx.signal);
    if (!ping.ok) return ctx.skip(`needs ping: ${ping.fault.message}`);
    if (ping.value.exitCode !== 0) return ctx.skip(`needs to be let ping: ${ping.value.stderr}`);
    await expect.poll(watch("icmp://127.0.0.1"), settled).toMatchObject({ kind: "reachable" });
  });

  it("without ping a target is unknown, not unreachable", async () => {
    const read = watch("icmp://127.0.0.1", (_command, args, signal) =>
      run("no-such-ping", args, signal),
    );
    await expect
      .poll(read, settled)
      .toMatchObject({ kind: "unknown", reason: expect.stringContaining("no-such-ping") });
  });
});

describe("a command", () => {
  const open = () => new AbortController().signal;

  it("ends with its exit code and what it wrote", async () => {
    const end = await run("sh", ["-c", "echo out; echo err >&2; exit 3"], open());
    const value = { exitCode: 3, stdout: "out\n", stderr: "err\n", truncated: false };
    expect(end).toEqual({ ok: true, value });
  });

  it("keeps 4 KiB of its output, however much there is", async () => {
    const end = await run("head", ["-c", "1000000", "/dev/zero"], open());
    expect(end.ok && end.value.stdout.length).toBe(4096);
  });

  it("is killed when the signal aborts, even if it ignores what can be ignored", async () => {
    const stop = new AbortController();
    const startMs = performance.now();
    const ended = run("sh", ["-c", "trap '' TERM INT; exec sleep 60"], stop.signal);
    setTimeout(() => stop.abort(), 200);
    expect(await ended).toMatchObject({ fault: { code: "E_COMMAND_ABORTED" } });
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it("is not begun when the signal has aborted", async () => {
    const end = await run("sh", ["-c", "exit 0"], AbortSignal.abort());
    expect(end).toMatchObject({ fault: { code: "E_COMMAND_ABORTED" } });
  });

  it("that does not exist is a fault of its own", async () => {
    const end = await run("no-such-command", [], open());
    expect(end).toMatchObject({ fault: { code: "E_NO_COMMAND" } });
  });
});
