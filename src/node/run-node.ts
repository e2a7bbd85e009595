/**
 * One node as a process: it starts, tells the service manager, waits for a signal, and stops within
 * five seconds. A second signal ends it at once; what was under way stands in the crash journal.
 */

import { constants } from "node:os";
import { type NodeConfig, writeHostPort } from "../config/index.ts";
import { openLog } from "../telemetry/index.ts";
import { createNode, type RunningNode } from "./create-node.ts";
import { type ServiceManager, serviceManager } from "./io/service-manager.ts";
import { systemClock } from "./system-clock.ts";
import { systemRandom } from "./system-random.ts";
import { packageVersion } from "./version.ts";

/** A clean stop takes at most this long; then the process ends all the same. */
const stopWithinMs = 5_000;

/** Where the commands look when they are told nothing. */
const defaultAddress = "127.0.0.1:8480";

/** Why a node ended, for the exit code. */
export type NodeEnd =
  | { readonly kind: "stopped" }
  | { readonly kind: "fault"; readonly code: string }
  | { readonly kind: "stop-timeout" };

export async function runNode(config: NodeConfig): Promise<NodeEnd> {
  const { logger, dropped } = await openLog({ ...config.log, node: config.nodeId });
  const version = packageVersion();
  const parts = {
    clock: systemClock,
    random: systemRandom,
    logger,
    version,
    logLinesDropped: dropped,
  };
  const signals = stopSignals();
  const node = await createNode(config, parts);
  if (!node.ok) {
    const { code, message, remedy } = node.fault;
    logger.error(message, { code, ...(remedy === undefined ? {} : { remedy }) });
    return { kind: "fault", code };
  }
  const { http, loop, ended, stop } = node.value;
  const manager = serviceManager(process.env, { logger });
  const address = writeHostPort(http);
  logger.info(`meshmend ${version} watches this machine`, {
    mode: config.mode,
    http: `http://${address}`,
    dataDir: config.dataDir,
    try: address === defaultAddress ? "meshmend status" : `meshmend status --http ${address}`,
  });
  manager.ready();
  const stopping = new AbortController();
  const watchdog = keepWatchdogQuiet(manager, loop, stopping.signal);
  const why = await Promise.race([signals.first, ended]);
  if (typeof why === "string") logger.info(`stopping on ${why}`);
  else logger.error(why.message, { ...why });
  manager.stopping();
  stopping.abort();
  const inTime = new AbortController();
  const stopped = await Promise.race([
    Promise.all([stop(), watchdog]).then(() => "stopped" as const),
    systemClock.sleep(stopWithinMs - 500, inTime.signal).then(() => "stop-timeout" as const),
  ]);
  inTime.abort();
  if (stopped === "stopped") logger.info("stopped");
  else logger.error("did not stop in time; the crash journal keeps what was under way");
  return typeof why === "string" ? { kind: stopped } : { kind: "fault", code: why.code };
}

/** As long as the loop beats, and no longer: a process that only looks alive is restarted. */
async function keepWatchdogQuiet(
  manager: ServiceManager,
  loop: RunningNode["loop"],
  signal: AbortSignal,
): Promise<void> {
  const intervalMs = manager.watchdogIntervalMs;
  while (intervalMs !== null && !signal.aborted) {
    const { state, reason } = loop.health();
    if (state !== "failed") manager.alive();
    manager.status(reason);
    await systemClock.sleep(intervalMs, signal);
  }
}

/** SIGHUP too: a terminal that is closed must not leave an interface down between two halves. */
const stopSignalNames = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

function stopSignals(): { readonly first: Promise<NodeJS.Signals> } {
  const first = new Promise<NodeJS.Signals>((resolve) => {
    let seen = false;
    for (const signal of stopSignalNames) {
      process.on(signal, () => {
        if (seen) process.exit(128 + constants.signals[signal]);
        seen = true;
        resolve(signal);
      });
    }
  });
  return { first };
}
