/** `meshmend cluster recover`: one survivor of a lost quorum goes on alone, because somebody says so. */

import { type ExitCode, exitCode } from "../exit-code.ts";
import { cliFault, complainOf, type Terminal } from "../terminal.ts";
import { compileForRun, type RunFlags } from "./config.ts";

export interface RecoverOptions extends RunFlags {
  readonly forceNewCluster?: boolean;
}

export async function recoverCluster(
  terminal: Terminal,
  options: RecoverOptions,
): Promise<ExitCode> {
  if (options.forceNewCluster !== true) {
    const message =
      "this forgets the other members; what only they had acknowledged is lost, and they must never run again";
    const remedy = "say --force-new-cluster if that is so";
    return complainOf(terminal, cliFault(exitCode.usage, "E_USAGE", message, remedy));
  }
  const found = await compileForRun(terminal, options);
  if (found === null) return exitCode.usage;
  const { recoverAlone } = await import("../../node/index.ts");
  const recovered = await recoverAlone(found.config);
  if (!recovered.ok) {
    const { code, message, remedy } = recovered.fault;
    const exit = code === "E_FOLDER_LOCKED" ? exitCode.inUse : exitCode.failure;
    return complainOf(terminal, cliFault(exit, code, message, remedy));
  }
  const { clusterId, lastIndex } = recovered.value;
  terminal.write(`${found.config.nodeId} is a group of one now: cluster ${clusterId}, `);
  terminal.write(`${lastIndex} entries kept. Start it, and let the others join with new data.\n`);
  return exitCode.ok;
}
