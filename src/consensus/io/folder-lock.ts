/**
 * One process per folder. Node cannot lock files, so the lock is a Unix socket in the folder: it
 * answers while its process lives, in whatever container that is, and the kernel closes it with the
 * process, also after `kill -9`. A process number in a file would tell neither.
 *
 * Whoever wants the folder first listens under a name of its own and then calls on all the others: of
 * two who start at once at least one meets the other. A name is never used twice, so removing one that
 * nobody answers cannot take the folder from anybody.
 */

import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import {
  type Fault,
  failed,
  fault,
  messageOf,
  ok,
  type Random,
  type Result,
} from "../../base/index.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { type FolderHandle, openFolder } from "./folder-handle.ts";

const socketName = /^lock-[0-9a-f]{16}$/;

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Faults: E_FOLDER_LOCKED while another process holds it (or asks at the same moment),
 * E_FOLDER_LOCK when the lock cannot be made.
 */
export async function lockFolder(
  folder: string,
  parts: { readonly random: Random; readonly fileSystem?: FileSystem },
): Promise<Result<FolderLock, Fault<"E_FOLDER_LOCKED" | "E_FOLDER_LOCK">>> {
  const { random, fileSystem = nodeFileSystem } = parts;
  const hex = () => random.uint32().toString(16).padStart(8, "0");
  const name = `lock-${hex()}${hex()}`;
  let handle: FolderHandle | null = null;
  let server: Server | null = null;
  const release = async () => {
    await closed(server);
    await handle?.close();
  };
  try {
    await fileSystem.makeFolder(folder);
    handle = await openFolder(folder);
    server = await listen(join(handle.path, name));
    for (const other of await fileSystem.list(folder)) {
      if (other === name || !socketName.test(other)) continue;
      if (await answers(join(handle.path, other))) {
        await release();
        const message = `another process uses ${folder}`;
        return failed(
          fault("E_FOLDER_LOCKED", message, "stop it, or choose another data directory"),
        );
      }
      await fileSystem.remove(join(folder, other));
    }
    return ok({ release });
  } catch (thrown) {
    await release();
    return failed(fault("E_FOLDER_LOCK", `cannot lock ${folder}: ${messageOf(thrown)}`));
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen({ path, backlog: 16 }, () => {
      server.off("error", reject);
      // A caller that hangs up early is of no interest.
      server.on("error", () => {});
      // The lock alone must not keep a process alive.
      server.unref();
      resolve(server);
    });
  });
}

/** False only when nobody can be listening: a doubt counts as an answer. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

function closed(server: Server | null): Promise<void> {
  // Closing removes the socket's file too.
  return new Promise((resolve) => (server === null ? resolve() : server.close(() => resolve())));
}
