/** `meshmend run`: compiles the configuration and hands it to the composition root. */

import type { NodeEnd } from "../../node/index.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { cliFault, complainOf, type Terminal } from "../terminal.ts";
import { compileForRun, type RunFlags } from "./config.ts";

/** Names that later capabilities will use; nobody shall believe that they work already. */
export interface ReservedFlags {
  readonly client?: unknown;
}

export const reservedFlags: Readonly<Record<keyof ReservedFlags, readonly [string, string]>> = {
  client: ["--client", "the client face of the key-value store"],
};

export async function run(
  terminal: Terminal,
  options: RunFlags & ReservedFlags,
): Promise<ExitCode> {
  for (const [key, [flag, capability]] of Object.entries(reservedFlags)) {
    if (options[key as keyof ReservedFlags] === undefined) continue;
    const message = `${flag}: this version does not have ${capability} yet`;
    return complainOf(
      terminal,
      cliFault(exitCode.usage, "E_NOT_YET", message, "leave the flag out"),
    );
  }
  const found = await compileForRun(terminal, options);
  if (found === null) return exitCode.usage;
  const { runNode } = await import("../../node/index.ts");
  return exitCodeOf(await runNode(found.config));
}

/** What the node's end means to whoever started the process. */
function exitCodeOf(end: NodeEnd): ExitCode {
  if (end.kind === "stopped") return exitCode.ok;
  if (end.kind === "stop-timeout") return exitCode.failure;
  switch (end.code) {
    case "E_DATA_DIR_IN_USE":
    case "E_ADDRESS_IN_USE":
      return exitCode.inUse;
    case "E_LISTEN_NOT_LOOPBACK":
    case "E_NODE_ID_CHANGED":
    case "E_PEER_REQUIRED":
    case "E_PEER_INSECURE":
    case "E_PEER_CREDENTIALS":
      return exitCode.usage;
    case "E_REMOVED":
      return exitCode.removed;
    default:
      return exitCode.failure;
  }
}
