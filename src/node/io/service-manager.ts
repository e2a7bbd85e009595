/**
 * Tells systemd how the daemon is (sd_notify(3)). Node cannot send Unix datagrams, so the program
 * `systemd-notify` does it; that is why the unit says NotifyAccess=all. Messages go out one after
 * the other, never wait in the way of the beat, and a newer message of a kind replaces an older
 * one that has not gone out. Without NOTIFY_SOCKET nothing is sent.
 */

import { spawn } from "node:child_process";
import type { Logger } from "../../base/index.ts";

export interface ServiceManager {
  /** Is there a service manager that listens? */
  readonly present: boolean;
  /** How often `alive` must be called: half of WATCHDOG_USEC; null without a watchdog. */
  readonly watchdogIntervalMs: number | null;
  ready(): void;
  /** Resets the watchdog. */
  alive(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  stopping(): void;
  /** Resolves when all that was said has gone out or failed; at most 2 s per message. */
  drained(): Promise<void>;
}

const sendTimeoutMs = 2_000;
const maxStatusCharacters = 200;

interface Parts {
  readonly logger: Logger;
  /** For tests: another program than `systemd-notify`. */
  readonly program?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function serviceManager(
  environment: Environment,
  { logger, program = "systemd-notify" }: Parts,
  processId: number = process.pid,
): ServiceManager {
  const socket = environment["NOTIFY_SOCKET"] ?? "";
  if (socket === "") return absent;
  /** By kind, in the order in which they are to go out. */
  const waiting = new Map<string, string[]>();
  let sending: Promise<void> | null = null;
  let failures = 0;

  async function sendAll(): Promise<void> {
    for (let next = firstOf(waiting); next !== null; next = firstOf(waiting)) {
      const [kind, assignments] = next;
      waiting.delete(kind);
      const failure = await send(program, assignments, environment);
      if (failure === null) failures = 0;
      // Once, not twice a second for as long as it lasts.
      else if (failures++ === 0) {
        logger.warn("the service manager could not be told", { kind, failure });
      }
    }
    sending = null;
  }

  function say(kind: string, assignments: string[]): void {
    waiting.set(kind, assignments);
    sending ??= sendAll();
  }

  return {
    present: true,
    watchdogIntervalMs: watchdogInterval(environment, processId),
    ready: () => say("ready", ["READY=1"]),
    alive: () => say("alive", ["WATCHDOG=1"]),
    status: (text) => say("status", [`STATUS=${oneLine(text)}`]),
    stopping: () => say("stopping", ["STOPPING=1"]),
    async drained() {
      while (sending !== null) await sending;
    },
  };
}

const absent: ServiceManager = {
  present: false,
  watchdogIntervalMs: null,
  ready() {},
  alive() {},
  status() {},
  stopping() {},
  drained: () => Promise.resolve(),
};

/** WATCHDOG_USEC counts only for the process in WATCHDOG_PID (sd_watchdog_enabled(3)). */
function watchdogInterval(environment: Environment, processId: number): number | null {
  const forProcess = environment["WATCHDOG_PID"];
  if (forProcess !== undefined && forProcess !== String(processId)) return null;
  const microseconds = environment["WATCHDOG_USEC"] ?? "";
  if (!/^\d{1,15}$/.test(microseconds) || Number(microseconds) === 0) return null;
  return Math.max(1, Math.floor(Number(microseconds) / 2_000));
}

const firstOf = (waiting: ReadonlyMap<string, string[]>): [string, string[]] | null =>
  waiting.entries().next().value ?? null;

/** A line break would begin another assignment. */
const oneLine = (text: string): string =>
  text.replaceAll(/\s+/g, " ").slice(0, maxStatusCharacters);

/** Null when it went out, else why not. */
function send(
  program: string,
  assignments: readonly string[],
  { NOTIFY_SOCKET, PATH }: Environment,
): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const child = spawn(program, ["--", ...assignments], {
    env: { NOTIFY_SOCKET, PATH },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: sendTimeoutMs,
    killSignal: "SIGKILL",
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < 500) complaint += chunk.toString("utf8");
  });
  child.once("error", (error) => resolve(error.message));
  child.once("close", (status, signal) => {
    const how = signal === null ? `exit code ${status}` : `ended by ${signal}`;
    resolve(status === 0 ? null : `${program}: ${complaint.trim() || how}`);
  });
  return promise;
}
