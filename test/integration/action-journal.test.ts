/** The crash journal on real files: what a kill, a flipped byte, a cut and a full disk leave of it. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { open, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/index.ts";
import { type FileActionJournal, openFileActionJournal } from "../../src/mape-k/io/index.ts";
import { sampleDecision } from "../compliance/sample-decision.ts";

const slotBytes = 16 * 1024;
const done = { ok: true, value: undefined };

describe("the action journal on disk", () => {
  let folder: string;
  let path: string;
  const opened: FileActionJournal[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meshmend-journal-"));
    path = join(folder, "actions.journal");
  });
  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.stop();
    rmSync(folder, { recursive: true });
  });

  async function openJournal(at = path): Promise<FileActionJournal> {
    const result = await openFileActionJournal(at, { logger: silentLogger });
    if (!result.ok) throw new Error(result.fault.message);
    opened.push(result.value);
    return result.value;
  }
  async function beats(journal: FileActionJournal): Promise<number[]> {
    const recovered = await journal.recover();
    if (!recovered.ok) throw new Error(recovered.fault.message);
    return recovered.value.map(({ decision }) => decision.beat);
  }
  /** Fills the journal with so many entries and closes it. */
  async function filled(count: number): Promise<void> {
    const journal = await openJournal();
    for (let number = 1; number <= count; number++) {
      expect(await journal.open({ decision: sampleDecision(number) })).toEqual(done);
    }
    await journal.stop();
  }
  async function overwrite(position: number, bytes: Buffer): Promise<void> {
    const file = await open(path, "r+");
    await file.write(bytes, 0, bytes.length, position);
    await file.close();
  }

  it("is readable by its owner alone, and has its whole size from the start", async () => {
    await openJournal();
    const seen = await stat(path);
    expect(seen.mode & 0o777).toBe(0o600);
    expect(seen.size).toBe(16 * slotBytes);
    expect(seen.blocks * 512).toBeGreaterThanOrEqual(seen.size);
  });

  it("keeps its entries across a stop", async () => {
    await filled(3);
    const journal = await openJournal();
    expect(await beats(journal)).toEqual([1, 2, 3]);
    expect(journal.damagedSlots).toBe(0);
  });

  it("acknowledges nothing once its file was removed", async () => {
    const journal = await openJournal();
    rmSync(path);
    const opened = await journal.open({ decision: sampleDecision(1) });
    expect(opened).toMatchObject({ ok: false, fault: { code: "E_JOURNAL_WRITE" } });
  });

  it("knows after kill -9 what was under way, as it last stood", async () => {
    const script = new URL("support/keep-journal-open.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [script, path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const [said] = await once(child.stdout, "data");
    expect(String(said)).toBe("open\n");
    child.kill("SIGKILL");
    await exited;
    const journal = await openJournal();
    const entry = { decision: sampleDecision(2, { phase: "verifying" }) };
    expect(await journal.recover()).toEqual({ ok: true, value: [entry] });
    expect(await journal.close(entry.decision.id)).toEqual(done);
    await journal.stop();
    expect(await beats(await openJournal())).toEqual([]);
  });

  it("loses one entry to a flipped byte, counts it, and uses the slot again", async () => {
    await filled(15);
    await overwrite(3 * slotBytes + 100, Buffer.from("\xff", "latin1"));
    const journal = await openJournal();
    expect(journal.damagedSlots).toBe(1);
    expect(await beats(journal)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect(await journal.open({ decision: sampleDecision(16) })).toEqual(done);
    await journal.stop();
    const again = await openJournal();
    expect((await beats(again)).at(-1)).toBe(16);
    expect(again.damagedSlots).toBe(0);
  });

  it("falls back to the version before when the newer one was torn", async () => {
    const before = await openJournal();
    await before.open({ decision: sampleDecision(1) });
    await before.stop();
    const intact = await openJournal();
    const bytes = await open(path, "r");
    const old = Buffer.alloc(slotBytes);
    await bytes.read(old, 0, slotBytes, 0);
    await bytes.close();
    await intact.open({ decision: sampleDecision(1, { phase: "verifying" }) });
    await intact.stop();
    // As after a power loss: the new version half written, the old one not yet struck out.
    await overwrite(0, old);
    await overwrite(slotBytes + 512, Buffer.alloc(512));
    const journal = await openJournal();
    expect(journal.damagedSlots).toBe(1);
    const recovered = { ok: true, value: [{ decision: sampleDecision(1) }] };
    expect(await journal.recover()).toEqual(recovered);
  });

  it("takes the newer of two versions, and closes both", async () => {
    const journal = await openJournal();
    await journal.open({ decision: sampleDecision(1) });
    const file = await open(path, "r");
    const old = Buffer.alloc(slotBytes);
    await file.read(old, 0, slotBytes, 0);
    await file.close();
    const newer = { decision: sampleDecision(1, { phase: "undoing" }) };
    await journal.open(newer);
    await journal.stop();
    await overwrite(0, old);
    const again = await openJournal();
    expect(await again.recover()).toEqual({ ok: true, value: [newer] });
    await again.close(newer.decision.id);
    await again.stop();
    expect(await beats(await openJournal())).toEqual([]);
  });

  it("keeps what is whole of a file that was cut short, and grows it again", async () => {
    await filled(5);
    await truncate(path, 3 * slotBytes + 50);
    const journal = await openJournal();
    expect(await beats(journal)).toEqual([1, 2, 3]);
    expect(journal.damagedSlots).toBe(1);
    expect((await stat(path)).size).toBe(16 * slotBytes);
    expect(await journal.open({ decision: sampleDecision(9) })).toEqual(done);
  });

  it("takes a file of garbage for an empty journal with sixteen damaged slots", async () => {
    await writeFile(path, Buffer.alloc(16 * slotBytes, "garbage"));
    const journal = await openJournal();
    expect(await beats(journal)).toEqual([]);
    expect(journal.damagedSlots).toBe(16);
    expect(await journal.open({ decision: sampleDecision(1) })).toEqual(done);
  });

  it("is a fault, not an exception, where it cannot be opened", async () => {
    const result = await openFileActionJournal(join(path, "no", "such"), { logger: silentLogger });
    expect(result).toMatchObject({ ok: false, fault: { code: "E_JOURNAL_OPEN" } });
  });

  it("works on a full disk, and says what it needs when it cannot be made there", async (ctx) => {
    if (process.getuid?.() !== 0) return ctx.skip("needs root: it mounts a small tmpfs");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], { stdio: "pipe" });
    } catch (thrown) {
      return ctx.skip(`needs to mount a tmpfs: ${String(thrown)}`);
    }
    try {
      const journal = await openJournal();
      await journal.open({ decision: sampleDecision(1) });
      const filler = join(folder, "filler");
      await expect(writeFile(filler, Buffer.alloc(1024 * 1024))).rejects.toThrow("ENOSPC");
      expect(await journal.open({ decision: sampleDecision(2) })).toEqual(done);
      const verifying = sampleDecision(2, { phase: "verifying" });
      expect(await journal.open({ decision: verifying })).toEqual(done);
      expect(await journal.close(sampleDecision(1).id)).toEqual(done);
      expect(await journal.recover()).toEqual({ ok: true, value: [{ decision: verifying }] });
      await journal.stop();
      const second = await openFileActionJournal(join(folder, "other"), { logger: silentLogger });
      expect(second).toMatchObject({ ok: false, fault: { code: "E_JOURNAL_OPEN" } });
      expect(!second.ok && second.fault.remedy).toContain("space");
    } finally {
      for (const journal of opened.splice(0)) await journal.stop();
      execFileSync("umount", [folder], { stdio: "pipe" });
    }
  });
});
