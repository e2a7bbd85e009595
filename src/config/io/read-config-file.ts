/** Where a configuration file is looked for, and how it is read: whole, and never more than 1 MiB. */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { failed, messageOf, ok, type Result } from "../../base/index.ts";
import { type ConfigFault, configFault } from "../config-fault.ts";
import { type ConfigFile, maxFileBytes } from "../read-yaml.ts";

/** Looked for in this order when no file is named. */
const usualPlaces = ["meshmend.yaml", "/etc/meshmend/meshmend.yaml"] as const;

const errorCode = (thrown: unknown): unknown =>
  thrown instanceof Error && "code" in thrown ? thrown.code : undefined;

/**
 * The file at `named`, which must exist; without a name the first of the usual places, or null
 * when there is none. A file that exists and cannot be read is always a fault.
 */
export async function readConfigFile(
  named: string | undefined,
  places: readonly string[] = usualPlaces,
): Promise<Result<ConfigFile | null, ConfigFault>> {
  for (const path of named === undefined ? places : [named]) {
    try {
      return ok({ path, text: await readBounded(path) });
    } catch (thrown) {
      if (named === undefined && errorCode(thrown) === "ENOENT") continue;
      const parts = {
        path: "",
        source: { kind: "file", path, line: 1, column: 1 },
        expected: "a file that can be read",
        seen: messageOf(thrown),
      } as const;
      return failed(configFault("E_CONFIG_FILE", parts));
    }
  }
  return ok(null);
}

/** How long whoever writes into a pipe may take; it may be a command: `--config <(command)`. */
const patienceMs = 5_000;
const pauseMs = 20;

/**
 * One byte more than allowed is enough for the reader of the text to refuse it. Opened without
 * waiting: a pipe that nobody writes to would hold this process, and even its end, for ever.
 */
async function readBounded(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const isPipe = (await file.stat()).isFIFO();
    const buffer = Buffer.alloc(maxFileBytes + 1);
    let length = 0;
    for (let waitedMs = 0; length < buffer.length; ) {
      const count = await readSome(file, buffer, length);
      length += count ?? 0;
      // A pipe is at its end as well before its writer has come.
      if (count === 0 && !(isPipe && length === 0)) break;
      if (count !== null && count > 0) continue;
      if (waitedMs >= patienceMs) throw new Error(`a pipe that said nothing for ${patienceMs} ms`);
      await sleep(pauseMs);
      waitedMs += pauseMs;
    }
    return buffer.toString("utf8", 0, length);
  } finally {
    await file.close();
  }
}

/** How many bytes; 0 at the end, null when there is nothing yet. */
async function readSome(file: FileHandle, into: Buffer, at: number): Promise<number | null> {
  try {
    return (await file.read(into, at, into.length - at)).bytesRead;
  } catch (thrown) {
    if (errorCode(thrown) === "EAGAIN") return null;
    throw thrown;
  }
}
