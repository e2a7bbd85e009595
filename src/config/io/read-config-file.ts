/** Where a configuration file is looked for, and how it is read: whole, and never more than 1 MiB. */

import { open } from "node:fs/promises";
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

/** One byte more than allowed is enough for the reader of the text to refuse it. */
async function readBounded(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(maxFileBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.toString("utf8", 0, length);
  } finally {
    await file.close();
  }
}
