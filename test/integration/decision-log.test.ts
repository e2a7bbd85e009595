/** The decision log on real files: locked, damaged, killed, full. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Level } from "level";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/index.ts";
import { type LevelDecisionLog, openLevelDecisionLog } from "../../src/mape-k/io/index.ts";
import { sampleDecision, sampleId } from "../compliance/sample-decision.ts";

const done = { ok: true, value: undefined };

describe("the decision log on disk", () => {
  let root: string;
  let folder: string;
  const opened: LevelDecisionLog[] = [];
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "meshmend-log-"));
    folder = join(root, "decisions");
  });
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.stop();
    rmSync(root, { recursive: true });
  });

  async function openLog(): Promise<LevelDecisionLog> {
    const result = await openLevelDecisionLog(folder, { logger: silentLogger });
    if (!result.ok) throw new Error(result.fault.message);
    opened.push(result.value);
    return result.value;
  }
  async function putRaw(key: string, value: string): Promise<void> {
    const database = new Level(folder);
    await database.put(key, value);
    await database.close();
  }

  it("makes its folder for its owner alone and keeps records across a stop", async () => {
    const log = await openLog();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    await log.put(sampleDecision(1));
    await log.stop();
    expect(await (await openLog()).get(sampleId(1))).toEqual({
      ok: true,
      value: sampleDecision(1),
    });
  });

  it("says that another meshmend uses the folder", async () => {
    await openLog();
    const second = await openLevelDecisionLog(folder, { logger: silentLogger });
    expect(second).toMatchObject({ ok: false, fault: { code: "E_DATA_DIR_IN_USE" } });
    expect(!second.ok && second.fault.message).toContain(
      "another meshmend uses this data directory",
    );
  });

  it("is a fault, not an exception, where it cannot be opened", async () => {
    await writeFile(folder, "a file where the folder should be");
    const result = await openLevelDecisionLog(folder, { logger: silentLogger });
    expect(result).toMatchObject({ ok: false, fault: { code: "E_STORAGE_OPEN" } });
  });

  const manifest = () => readdirSync(folder).find((name) => name.startsWith("MANIFEST")) ?? "";
  it.each<[string, () => void]>([
    ["list of files was emptied", () => truncateSync(join(folder, manifest()), 0)],
    ["list of files was cut", () => truncateSync(join(folder, manifest()), 20)],
    ["list of files is gone", () => rmSync(join(folder, manifest()))],
    ["pointer to it was emptied", () => truncateSync(join(folder, "CURRENT"), 0)],
  ])("opens with its records after a power loss when the %s", async (_what, damage) => {
    const first = await openLog();
    for (const number of [1, 2, 3]) await first.put(sampleDecision(number, { phase: "closed" }));
    await first.stop();
    damage();
    const log = await openLog();
    const page = await log.list({ limit: 10 });
    expect(page.ok && page.value.map((decision) => decision.beat)).toEqual([3, 2, 1]);
    expect(await log.put(sampleDecision(4))).toEqual(done);
  });

  it("does not take what it cannot keep, when its folder was removed, and makes a new one", async () => {
    const log = await openLog();
    await log.put(sampleDecision(1));
    rmSync(folder, { recursive: true });
    expect(await log.put(sampleDecision(2))).toMatchObject({ ok: false });
    expect(log.health().state).toBe("failed");
    expect(await log.put(sampleDecision(3))).toEqual(done);
    expect(log.health().state).toBe("ok");
    await log.stop();
    const page = await (await openLog()).list({ limit: 10 });
    expect(page.ok && page.value.map((decision) => decision.beat)).toEqual([3]);
  });

  it("reports a damaged record in get, leaves it out of list, and counts it once", async () => {
    const first = await openLog();
    for (const number of [1, 2, 3]) await first.put(sampleDecision(number));
    await first.stop();
    await putRaw(sampleId(2), "1 00000000 {}");
    const log = await openLog();
    expect(log.health().state).toBe("ok");
    for (let time = 0; time < 2; time++) {
      const page = await log.list({ limit: 10 });
      expect(page.ok && page.value.map((decision) => decision.beat)).toEqual([3, 1]);
    }
    expect(log.damagedRecords).toBe(1);
    expect(log.health().state).toBe("degraded");
    const got = await log.get(sampleId(2));
    expect(got).toMatchObject({ ok: false, fault: { code: "E_STORAGE_READ" } });
    expect(await log.put(sampleDecision(2))).toEqual(done);
    expect(log.damagedRecords).toBe(0);
    expect(log.health().state).toBe("ok");
  });

  it("does not take one decision's record for another's", async () => {
    const first = await openLog();
    await first.put(sampleDecision(1));
    await first.stop();
    const database = new Level(folder);
    await database.put(sampleId(2), (await database.get(sampleId(1))) ?? "");
    await database.close();
    expect(await (await openLog()).get(sampleId(2))).toMatchObject({ ok: false });
  });

  it("has after kill -9 every record that was acknowledged", async () => {
    const script = `
      const [, door, sample, folder] = process.argv;
      const { openLevelDecisionLog } = await import(door);
      const { sampleDecision } = await import(sample);
      const logger = { warn() {}, error() {} };
      const { value: log } = await openLevelDecisionLog(folder, { logger });
      for (let n = 1; n <= 50; n++) await log.put(sampleDecision(n));
      process.stdout.write("kept");
      setInterval(() => {}, 1000);`;
    const at = (path: string) => new URL(path, import.meta.url).pathname;
    const files = [at("../../src/mape-k/io/index.ts"), at("../compliance/sample-decision.ts")];
    const args = ["--input-type=module", "--eval", script, ...files, folder];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    expect(String((await once(child.stdout, "data"))[0])).toBe("kept");
    child.kill("SIGKILL");
    await exited;
    const page = await (await openLog()).list({ limit: 100 });
    expect(page.ok && page.value.length).toBe(50);
  });

  it("loses nothing it acknowledged before, on and after a full disk", async (ctx) => {
    if (process.getuid?.() !== 0) return ctx.skip("needs root: it mounts a small tmpfs");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", root], { stdio: "pipe" });
    } catch (thrown) {
      return ctx.skip(`needs to mount a tmpfs: ${String(thrown)}`);
    }
    try {
      const log = await openLog();
      const kept: number[] = [];
      const keep = async (from: number, to: number): Promise<number> => {
        const before = kept.length;
        for (let number = from; number <= to; number++) {
          if ((await log.put(sampleDecision(number, { phase: "closed" }))).ok) kept.push(number);
        }
        return kept.length - before;
      };
      expect(await keep(1, 3)).toBe(3);
      const filler = join(root, "filler");
      await expect(writeFile(filler, Buffer.alloc(16 * 1024 * 1024))).rejects.toThrow("ENOSPC");
      expect(await keep(4, 23)).toBeLessThan(20);
      expect(log.writable).toBe(false);
      expect(log.health().state).toBe("failed");
      for (const number of kept)
        expect(await log.get(sampleId(number))).toMatchObject({ ok: true });
      rmSync(filler);
      expect(await keep(24, 43)).toBe(20);
      expect(log.writable).toBe(true);
      await log.stop();
      const page = await (await openLog()).list({ limit: 100 });
      expect(page.ok && page.value.map((decision) => decision.beat).reverse()).toEqual(kept);
    } finally {
      for (const log of opened.splice(0)) await log.stop();
      execFileSync("umount", [root], { stdio: "pipe" });
    }
  });
});
