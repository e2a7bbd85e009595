/**
 * The store, for the length of one command: connects, lets the command ask, and says in the command
 * line's words what went wrong.
 */

import { type Fault, failed, fault, type Result } from "../base/index.ts";
import { KvClient } from "../client/index.ts";
import { writeHostPort } from "../config/notation.ts";
import { storeAddress } from "./daemon-address.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { cliFault, complainOf, type Terminal } from "./terminal.ts";

export interface StoreOptions {
  readonly grpc?: string;
  readonly json?: boolean;
}

/** Longer than an election takes: whoever asks in the middle of one still gets an answer. */
const answerTimeoutMs = 10_000;
const maxInFlight = 256;

/** A command that goes on for as long as it is wanted. */
export type Following = (client: KvClient) => Promise<Result<ExitCode, Fault>>;

/** Asks, within ten seconds, and tells the answer or the fault. */
export function askStore<Value>(
  terminal: Terminal,
  options: StoreOptions,
  ask: (client: KvClient) => Promise<Result<Value, Fault>>,
  tell: (value: Value) => ExitCode,
): Promise<ExitCode> {
  return withStore(terminal, options, async (client) => {
    const answer = await within(answerTimeoutMs, ask(client));
    return answer.ok ? { ok: true, value: tell(answer.value) } : answer;
  });
}

export async function withStore(
  terminal: Terminal,
  options: StoreOptions,
  work: Following,
): Promise<ExitCode> {
  const found = await storeAddress(terminal, options.grpc);
  if (!found.ok) return complainOf(terminal, found.fault);
  const address = writeHostPort(found.value);
  const connected = await within(answerTimeoutMs, KvClient.connect({ address, maxInFlight }));
  if (!connected.ok) return complainOf(terminal, told(connected.fault, address));
  const client = connected.value;
  try {
    const ended = await work(client);
    return ended.ok ? ended.value : complainOf(terminal, told(ended.fault, address));
  } finally {
    client.close();
  }
}

async function within<Value>(
  limitMs: number,
  answer: Promise<Result<Value, Fault>>,
): Promise<Result<Value, Fault>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Result<Value, Fault>>((resolve) => {
    const why = `no answer within ${limitMs / 1_000} s; it may or may not have been done`;
    timer = setTimeout(() => resolve(failed(fault("E_CLIENT_UNREACHABLE", why))), limitMs);
  });
  const first = await Promise.race([answer, late]);
  clearTimeout(timer);
  return first;
}

const unreachable = new Set(["E_CLIENT_UNREACHABLE", "E_CLIENT_CLOSED"]);

function told({ code, message, remedy }: Fault, address: string) {
  if (!unreachable.has(code)) return cliFault(exitCode.failure, code, message, remedy);
  return cliFault(
    exitCode.unreachable,
    "E_DAEMON_UNREACHABLE",
    `no store at ${address}: ${message.replace(`${address}: `, "")}`,
    "start one with `meshmend run`, or name its address with --grpc HOST:PORT or MESHMEND_GRPC",
  );
}

/** What the command line itself got wrong. */
export function complainOfUsage(terminal: Terminal, message: string): ExitCode {
  return complainOf(terminal, cliFault(exitCode.usage, "E_USAGE", message));
}
