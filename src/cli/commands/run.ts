/** `meshmend run`: compiles the configuration and hands it to the composition root. */

import type { NodeEnd } from "../../node/index.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { compileForRun, type RunFlags } from "./config.ts";

export async function run(terminal: Terminal, options: RunFlags): Promise<ExitCode> {
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
