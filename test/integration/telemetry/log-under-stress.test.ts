import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const logger = fileURLToPath(new URL("../../../src/telemetry/pino-logger.ts", import.meta.url));

/** Runs a script that has `logger` and `dropped`. */
function run(body: string) {
  const script = `
    import { openLog } from ${JSON.stringify(logger)};
    const { logger, dropped } = await openLog({ level: "info", format: "json", node: "n" });
    ${body}`;
  return spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const bytes of stream) text += String(bytes);
  return text;
}

describe("the log of a process", () => {
  it("has every line up to a crash", async () => {
    const child = run(`
      for (let i = 0; i < 200; i++) logger.info("line", { i });
      process.kill(process.pid, "SIGKILL");`);
    const [text, [, signal]] = await Promise.all([textOf(child.stdout), once(child, "exit")]);
    expect(signal).toBe("SIGKILL");
    const numbers = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).i);
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it("has the line before an uncaught exception", async () => {
    const child = run(`logger.error("last words"); throw new Error("boom");`);
    const [text] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    expect(text).toContain("last words");
  });

  it("outlives a reader that went away: the process goes on and counts", async () => {
    const child = run(`
      process.on("SIGUSR2", () => {
        for (let i = 0; i < 10; i++) logger.info("nobody reads this");
        process.stderr.write("dropped " + dropped());
        process.exit(0);
      });
      process.stderr.write("ready ");
      setInterval(() => {}, 1000);`);
    await once(child.stderr, "data");
    const closed = once(child.stdout, "close");
    child.stdout.destroy();
    await closed;
    const rest = textOf(child.stderr);
    child.kill("SIGUSR2");
    expect(await rest).toBe("dropped 10");
  });

  it("gives up lines, not the process, when its reader stalls on a non-blocking pipe", async () => {
    // process.stdout makes the pipe of a child non-blocking as a socket is; touch it to be sure.
    const child = run(`
      process.stdout._handle?.setBlocking?.(false);
      const started = performance.now();
      for (let i = 0; i < 100; i++) logger.info("x".repeat(20_000));
      process.stderr.write(JSON.stringify({ dropped: dropped(), ms: performance.now() - started }));
      process.exit(0);`);
    // Nobody reads stdout until the process is done.
    const report = JSON.parse(await textOf(child.stderr)) as { dropped: number; ms: number };
    expect(report.dropped).toBeGreaterThan(0);
    expect(report.ms).toBeLessThan(30_000);
    const whole = (await textOf(child.stdout)).split("\n").slice(0, -1);
    for (const line of whole) expect(JSON.parse(line)).toMatchObject({ level: "info" });
  });
});
