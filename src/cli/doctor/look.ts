/** Looks at the machine: files, programs, sockets. Nothing here changes anything but a probe file. */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, open, readFile, rm, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { messageOf } from "../../base/index.ts";
import type { HostPort } from "../../config/node-config.ts";
import { writeHostPort } from "../../config/notation.ts";
import { couldNotTell, type Finding, no, yes } from "./check.ts";

const programTimeoutMs = 3_000;

const errorCode = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown ? String(thrown.code) : messageOf(thrown);

/** Null when there is no such file; throws what else is wrong with it. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT" || errorCode(thrown) === "ENOTDIR") return false;
    throw thrown;
  }
}

/** Where the program is, as `execvp` would find it; the system folders are looked at as well. */
export async function findProgram(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const folders = [...(environment["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    if (!folder.startsWith("/")) continue;
    try {
      await access(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch (thrown) {
      if (!["ENOENT", "EACCES", "ENOTDIR"].includes(errorCode(thrown))) throw thrown;
    }
  }
  return null;
}

interface Ran {
  readonly status: number;
  readonly output: string;
}

/** Null when it could not be run or did not end in time. */
export function runProgram(path: string, words: readonly string[]): Promise<Ran | null> {
  const { promise, resolve } = Promise.withResolvers<Ran | null>();
  const options = { timeout: programTimeoutMs, maxBuffer: 65_536, env: { LC_ALL: "C" } };
  execFile(path, words, options, (error, stdout, stderr) => {
    if (error === null) return resolve({ status: 0, output: stdout });
    resolve(typeof error.code === "number" ? { status: error.code, output: stderr } : null);
  });
  return promise;
}

/** The directory itself, or the nearest one above it that exists: there it would be created. */
async function nearestExisting(directory: string): Promise<string> {
  let nearest = directory;
  while (!(await exists(nearest)) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  return nearest;
}

export async function lookAtDataDirectory(dataDir: string): Promise<Finding> {
  const probe = join(await nearestExisting(dataDir), `.meshmend-doctor-${process.pid}`);
  const remedy = `give this user the directory (mkdir -p ${dataDir}; chown), or choose another with --data-dir`;
  try {
    await mkdir(probe);
    await rm(probe, { recursive: true });
    return yes(`${dataDir} can be written`);
  } catch (thrown) {
    return no(`${dataDir}: ${messageOf(thrown)}`, remedy);
  }
}

const enoughBytes = 64 * 1_048_576;

export async function lookAtSpace(dataDir: string): Promise<Finding> {
  const { bavail, bsize, blocks } = await statfs(await nearestExisting(dataDir));
  const free = `${Math.floor((bavail * bsize) / 1_048_576)} MiB free (${Math.round((bavail / Math.max(1, blocks)) * 100)} %)`;
  const remedy = "free some space, or choose another directory with --data-dir";
  return bavail * bsize >= enoughBytes ? yes(free) : no(`only ${free}`, remedy);
}

/** A journal entry is one such write; on worn-out flash it takes seconds. */
const slowSyncMs = 500;

export async function lookAtSync(dataDir: string): Promise<Finding> {
  const path = join(await nearestExisting(dataDir), `.meshmend-doctor-sync-${process.pid}`);
  const file = await open(path, "wx", 0o600).catch((thrown: unknown) => messageOf(thrown));
  if (typeof file === "string") return couldNotTell(file);
  try {
    let worstMs = 0;
    for (let round = 0; round < 5; round++) {
      await file.write(Buffer.alloc(16_384, round), 0, 16_384, 0);
      const startMs = performance.now();
      await file.sync();
      worstMs = Math.max(worstMs, performance.now() - startMs);
    }
    const took = `the slowest of 5 syncs took ${worstMs.toFixed(1)} ms`;
    const remedy =
      "look at the health of this storage; a repair waits for one sync before it begins";
    return worstMs <= slowSyncMs ? yes(took) : no(took, remedy);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

export function lookAtPort(listen: HostPort): Promise<Finding> {
  const address = writeHostPort(listen);
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") {
      const remedy =
        "is a meshmend running already (`meshmend status`)? else choose another with --http";
      resolve(no(`${address} is in use`, remedy));
    } else resolve(no(`${address}: ${error.message}`, "choose another address with --http"));
  });
  server.listen({ ...listen, exclusive: true }, () => {
    server.close(() => resolve(yes(`${address} is free`)));
  });
  return promise;
}

/** Node cannot call adjtimex(2); systemd knows, where there is one. */
export async function lookAtClock(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Finding> {
  const remedy = "start a time service, for example systemd-timesyncd or chrony";
  const timedatectl = await findProgram("timedatectl", environment);
  const words = ["show", "--property=NTPSynchronized", "--value"];
  const answer = timedatectl === null ? null : await runProgram(timedatectl, words);
  if (answer?.status === 0 && answer.output.trim() === "yes") return yes("synchronised");
  if (answer?.status === 0 && answer.output.trim() === "no") return no("not synchronised", remedy);
  if (await exists("/run/systemd/timesync/synchronized")) return yes("synchronised (timesyncd)");
  const why = answer?.output.trim().split("\n")[0] ?? "";
  const missing = timedatectl === null ? "there is no timedatectl" : "timedatectl did not answer";
  return couldNotTell(why === "" ? missing : `timedatectl: ${why}`);
}
