import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LogOptions, openLog } from "../../../src/telemetry/pino-logger.ts";

describe("the log", () => {
  let dir: string;
  let fileDescriptor: number;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "meshmend-log-"));
    fileDescriptor = openSync(join(dir, "log"), "w");
  });
  afterEach(() => {
    closeSync(fileDescriptor);
    rmSync(dir, { recursive: true });
  });

  const open = (changes: Partial<LogOptions> = {}) =>
    openLog({ level: "info", format: "json", node: "node-a", fileDescriptor, ...changes });
  const written = () => readFileSync(join(dir, "log"), "utf8");
  const records = () =>
    written()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("is one JSON record a line, on disk when the call returns", async () => {
    const { logger, dropped } = await open();
    logger.info("started", { beats: 3 });
    expect(records()).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        node: "node-a",
        beats: 3,
        msg: "started",
      },
    ]);
    expect(dropped()).toBe(0);
  });

  it("keeps a child's fields in each of its lines", async () => {
    const { logger } = await open();
    const child = logger.child({ component: "http" }).child({ port: 1 });
    child.warn("a");
    child.error("b", { code: "E_X" });
    expect(records()).toMatchObject([
      { component: "http", port: 1, level: "warn", msg: "a" },
      { component: "http", port: 1, level: "error", msg: "b", code: "E_X" },
    ]);
  });

  it("leaves out what is below its level", async () => {
    const { logger } = await open({ level: "warn" });
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    expect(records().map((record) => record["msg"])).toEqual(["c"]);
  });

  it("writes an error with its message and stack", async () => {
    const { logger } = await open();
    logger.error("failed", { error: new Error("why") });
    expect(records()).toMatchObject([{ error: { message: "why", stack: expect.any(String) } }]);
  });

  it("is for people when it is asked to be pretty, and JSON where no terminal is", async () => {
    const pretty = await open({ format: "pretty" });
    pretty.logger.info("hello", { beats: 3 });
    expect(written()).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: hello\n {4}beats: 3\n$/);
    const auto = await open({ format: "auto" });
    auto.logger.info("machine");
    expect(written()).toContain('"msg":"machine"');
  });
});
