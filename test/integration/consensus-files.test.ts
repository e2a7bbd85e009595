/** The lock, the identity and the snapshots in a data directory, under what may befall files. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type NodeId, seededRandom, silentLogger } from "../../src/base/index.ts";
import {
  lockFolder,
  readIdentity,
  SnapshotFiles,
  writeIdentity,
} from "../../src/consensus/io/index.ts";
import { snapshotAt } from "../compliance/sample-log.ts";
import { FaultyFileSystem, systemError } from "../support/faulty-file-system.ts";
import { realClock } from "../support/real-clock.ts";
import { mountTmpfs } from "./support/tmpfs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "meshmend-consensus-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("the lock on a data directory", () => {
  const script = new URL("support/hold-folder.ts", import.meta.url).pathname;
  const random = seededRandom(process.pid);
  const locked = { ok: false, fault: { code: "E_FOLDER_LOCKED" } };

  it("keeps a second process out until the first is gone, killed or stopped in its tracks", async () => {
    const holder = spawn(process.execPath, [script, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await once(holder.stdout, "data")) as [Buffer];
    expect(said.toString()).toBe("locked\n");
    expect(await lockFolder(folder, { random })).toMatchObject(locked);
    holder.kill("SIGSTOP");
    expect(await lockFolder(folder, { random })).toMatchObject(locked);
    holder.kill("SIGKILL");
    await once(holder, "close");
    const mine = await lockFolder(folder, { random });
    expect(mine.ok).toBe(true);
    const second = spawn(process.execPath, [script, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [refused] = (await once(second.stdout, "data")) as [Buffer];
    expect(refused.toString()).toBe("E_FOLDER_LOCKED\n");
    await once(second, "close");
    if (mine.ok) await mine.value.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is held by one at most of many that ask at once", async () => {
    for (let round = 0; round < 20; round++) {
      const asked = Array.from({ length: 8 }, () => lockFolder(folder, { random }));
      const won = (await Promise.all(asked)).filter((each) => each.ok);
      expect(won.length).toBeLessThanOrEqual(1);
      for (const each of won) await each.value.release();
    }
    const alone = await lockFolder(folder, { random });
    expect(alone.ok).toBe(true);
    if (alone.ok) await alone.value.release();
  });

  it("works in a folder whose path is longer than a socket's may be", async () => {
    const deep = join(folder, "d".repeat(100), "e".repeat(100));
    const first = await lockFolder(deep, { random });
    expect(first.ok).toBe(true);
    expect(await lockFolder(deep, { random })).toMatchObject(locked);
    if (first.ok) await first.value.release();
  });

  it("says why when it cannot be had", async () => {
    writeFileSync(join(folder, "file"), "");
    const refused = await lockFolder(join(folder, "file"), { random });
    expect(refused).toMatchObject({ ok: false, fault: { code: "E_FOLDER_LOCK" } });
  });
});

describe("the identity of a data directory", () => {
  const identity = { clusterId: "c1", nodeId: "n1" as NodeId, established: false };

  it("is null when new, and what was written last", async () => {
    expect(await readIdentity(folder)).toEqual({ ok: true, value: null });
    for (const established of [false, true]) {
      const written = { ...identity, established };
      expect(await writeIdentity(folder, written)).toEqual({ ok: true, value: undefined });
      expect(await readIdentity(folder)).toEqual({ ok: true, value: written });
    }
    expect(readdirSync(folder)).toEqual(["identity"]);
  });

  it("is refused with any byte flipped or missing", async () => {
    await writeIdentity(folder, identity);
    const path = join(folder, "identity");
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length - 1; at++) {
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 0x11, at);
      for (const bytes of [flipped, whole.subarray(0, at)]) {
        writeFileSync(path, bytes);
        const read = await readIdentity(folder);
        expect(read, `byte ${at}`).toMatchObject({ fault: { code: "E_IDENTITY_DAMAGED" } });
      }
    }
  });

  it("stays as it was when the new one cannot be made durable", async () => {
    await writeIdentity(folder, identity);
    const fileSystem = new FaultyFileSystem();
    fileSystem.before = (operation) => {
      if (operation === "sync") throw systemError("EIO");
    };
    const written = await writeIdentity(folder, { ...identity, established: true }, fileSystem);
    expect(written).toMatchObject({ ok: false, fault: { code: "E_IDENTITY_WRITE" } });
    expect(await readIdentity(folder)).toEqual({ ok: true, value: identity });
  });
});

describe("snapshots in files", () => {
  const { signal } = new AbortController();
  const content = Buffer.from(Array.from({ length: 150_000 }, (_, at) => (at * 13) & 0xff));
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield content;
  }
  async function storeOf(fileSystem = new FaultyFileSystem(), at = folder) {
    const parts = { clock: realClock, logger: silentLogger, fileSystem };
    const store = new SnapshotFiles(parts, { folder: at, retryMs: 20 });
    const started = await store.start();
    if (!started.ok) throw new Error(started.fault.message);
    return store;
  }
  const snapshots = () => readdirSync(folder).filter((name) => name.startsWith("snapshot-"));
  const only = () => join(folder, snapshots()[0] ?? "");
  async function readAll(store: SnapshotFiles, index: number): Promise<number> {
    let bytes = 0;
    for await (const piece of store.read(index, signal)) bytes += piece.length;
    return bytes;
  }

  it("are found again, without what was left half-made", async () => {
    await (await storeOf()).save(snapshotAt(7), pieces(), signal);
    writeFileSync(join(folder, "saving.part"), content);
    writeFileSync(join(folder, "incoming.part"), content);
    const store = await storeOf();
    expect(store.latest()).toEqual(snapshotAt(7));
    expect(await readAll(store, 7)).toBe(content.length);
    expect(readdirSync(folder)).toEqual(snapshots());
  });

  it("with any byte flipped that means something are never the latest, nor handed on", async () => {
    await (await storeOf()).save(snapshotAt(7), pieces(), signal);
    const path = only();
    const whole = readFileSync(path);
    // Checksum, chain, number, length and payload of the first block, a middle one and the last.
    for (const at of [0, 5, 9, 13, 16, 30, 65_536, 65_548, 140_000, whole.length - 1]) {
      const running = await storeOf();
      const told: number[] = [];
      running.onDamaged((index) => told.push(index));
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 2, at);
      writeFileSync(path, flipped);
      expect((await storeOf()).latest(), `byte ${at}`).toBe(null);
      expect(await running.readChunk(7, at, 1_000, signal), `byte ${at}`).toBe(null);
      expect(told).toEqual([7]);
      expect(running.latest()).toBe(null);
      writeFileSync(path, whole);
    }
  });

  it("are not whole when damage is met while they are restored", async () => {
    const store = await storeOf();
    await store.save(snapshotAt(7), pieces(), signal);
    const bytes = readFileSync(only());
    bytes.writeUInt8(bytes.readUInt8(140_000) ^ 2, 140_000);
    writeFileSync(only(), bytes);
    await expect(readAll(store, 7)).rejects.toThrow("damaged");
    expect(store.latest()).toBe(null);
    expect(await store.save(snapshotAt(8), pieces(), signal)).toMatchObject({ ok: true });
    expect(await readAll(store, 8)).toBe(content.length);
  });

  it("stay when another cannot be synced or renamed", async () => {
    const fileSystem = new FaultyFileSystem();
    const store = await storeOf(fileSystem);
    await store.save(snapshotAt(7), pieces(), signal);
    for (const failing of ["sync", "rename"]) {
      fileSystem.before = (operation) => {
        if (operation === failing) throw systemError("EIO");
      };
      const saved = await store.save(snapshotAt(8), pieces(), signal);
      expect(saved).toMatchObject({ ok: false, fault: { code: "E_SNAPSHOT_WRITE" } });
      fileSystem.before = () => {};
      expect(await readAll(store, 7)).toBe(content.length);
      expect(readdirSync(folder)).toEqual(snapshots());
    }
  });

  it("on their way in wait for room on a full disk; one's own is given up", async (ctx) => {
    const small = join(folder, "small");
    const tmpfs = mountTmpfs(small, 400 << 10);
    if (tmpfs.kind === "refused") return ctx.skip(tmpfs.reason);
    try {
      const source = await storeOf();
      await source.save(snapshotAt(7), pieces(), signal);
      const whole = readFileSync(join(folder, snapshots()[0] ?? ""));
      const at = join(small, "snapshots");
      mkdirSync(at);
      const store = await storeOf(new FaultyFileSystem(), at);
      const ballast = join(small, "ballast");
      writeFileSync(ballast, Buffer.alloc(300 << 10));
      const saved = await store.save(snapshotAt(5), pieces(), signal);
      expect(saved).toMatchObject({ ok: false, fault: { code: "E_SNAPSHOT_WRITE" } });
      expect(readdirSync(at)).toEqual([]);
      let written = false;
      const writing = store.writeChunk(7, 0, whole).then(() => {
        written = true;
      });
      await realClock.sleep(100);
      expect(written).toBe(false);
      rmSync(ballast);
      await writing;
      expect(await store.install(snapshotAt(7))).toBe(true);
      expect(await readAll(store, 7)).toBe(content.length);
      await store.stop();
    } finally {
      tmpfs.unmount();
    }
  });
});
