/**
 * The host's end of the conversation with the guest: commands and long-lived processes as calls.
 * It knows lines and ids; where the lines travel (a virtual machine's port, a socket, a child
 * process) is the affair of whoever made the channel.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { EndLine, GuestLine, GuestRequest, OutputLine } from "../guest/protocol.ts";

export interface LineHandler {
  line(line: string): void;
  /** Why there will be no more lines. */
  ended(reason: string): void;
}

/** Lines there and back. One listens at a time: the last who asked to. */
export interface LineChannel {
  send(line: string): void;
  listen(handler: LineHandler | null): void;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Otherwise an exit code that is not 0 throws. */
  readonly mayFail?: boolean;
}

export interface GuestProcess {
  /** Calls back for each line from now on; lines before the first listener are kept, bounded. */
  onLine(listener: (line: OutputLine) => void): void;
  readonly ended: Promise<EndLine>;
  signal(signal: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** SIGTERM, and SIGKILL when that does not help within `graceMs`. */
  stop(graceMs?: number): Promise<EndLine>;
}

type StartOptions = Pick<RunOptions, "environment">;
type Pending = { line?: (line: OutputLine) => void; end: (end: EndLine) => void };

const defaultTimeoutMs = 30_000;
/** Over the guest's own limit: then the guest itself does not answer. */
const answerMarginMs = 15_000;
const earlyLines = 1_000;

export class GuestError extends Error {
  readonly end: EndLine | null;

  constructor(message: string, end: EndLine | null = null) {
    super(message);
    this.name = "GuestError";
    this.end = end;
  }
}

export class Guest {
  readonly #channel: LineChannel;
  readonly #pending = new Map<number, Pending>();
  /** Ids of an earlier user of the same channel must not come again. */
  #nextId = Date.now();
  #gone: string | null = null;

  constructor(channel: LineChannel) {
    this.#channel = channel;
    channel.listen({
      line: (line) => {
        const parsed = JSON.parse(line) as GuestLine;
        if (!("ready" in parsed)) this.#dispatch(parsed);
      },
      ended: (reason) => {
        this.#gone = reason;
        for (const [id, { end }] of this.#pending) end(unanswered(id, reason));
        this.#pending.clear();
      },
    });
  }

  /** Runs a command to its end; throws when it fails, unless it may. */
  async run(command: readonly string[], options: RunOptions = {}): Promise<EndLine> {
    const { timeoutMs = defaultTimeoutMs, input, environment, mayFail = false } = options;
    const id = this.#nextId++;
    const ended = this.#expect(id, {
      id,
      do: "run",
      command,
      timeoutMs,
      ...(input === undefined ? {} : { input }),
      ...(environment === undefined ? {} : { environment }),
    });
    const end = await within(ended, timeoutMs + answerMarginMs, () =>
      unanswered(id, "no answer from the guest"),
    );
    this.#pending.delete(id);
    if (end.exitCode === 0 || (mayFail && end.exitCode !== null)) return end;
    const how = end.endedBy ?? `exit code ${end.exitCode}`;
    const said = `${end.stdout}${end.stderr}`.slice(-2_000).trim();
    throw new GuestError(`${command.join(" ")}: ${how}\n${said}`, end);
  }

  /** Runs a bash script that stops at its first failure. */
  async script(script: string, options: Omit<RunOptions, "input"> = {}): Promise<EndLine> {
    return this.run(["bash", "-eu", "-o", "pipefail"], { ...options, input: script });
  }

  start(command: readonly string[], { environment }: StartOptions = {}): GuestProcess {
    const id = this.#nextId++;
    const early: OutputLine[] = [];
    let listener: ((line: OutputLine) => void) | null = null;
    const request = { id, do: "start", command } as const;
    const ended = this.#expect(
      id,
      environment === undefined ? request : { ...request, environment },
      (line) => {
        if (listener !== null) listener(line);
        else if (early.length < earlyLines) early.push(line);
      },
    );
    const signal: GuestProcess["signal"] = (name) => {
      if (this.#pending.has(id)) this.#send({ id, do: "signal", signal: name });
    };
    return {
      ended,
      signal,
      onLine(next) {
        for (const line of early.splice(0)) next(line);
        listener = next;
      },
      async stop(graceMs = 8_000) {
        signal("SIGTERM");
        const end = await within(ended, graceMs, () => null);
        if (end !== null) return end;
        signal("SIGKILL");
        return within(ended, answerMarginMs, () => unanswered(id, "would not end"));
      },
    };
  }

  /** Kills all that was started and has not ended. */
  async reset(): Promise<void> {
    const id = this.#nextId++;
    await within(this.#expect(id, { id, do: "reset" }), answerMarginMs, () => {
      throw new GuestError("the guest does not answer");
    });
  }

  #expect(id: number, request: GuestRequest, line?: (line: OutputLine) => void): Promise<EndLine> {
    if (this.#gone !== null) return Promise.resolve(unanswered(id, this.#gone));
    return new Promise<EndLine>((resolve) => {
      this.#pending.set(id, { end: resolve, ...(line === undefined ? {} : { line }) });
      this.#send(request);
    });
  }

  #send(request: GuestRequest): void {
    this.#channel.send(JSON.stringify(request));
  }

  #dispatch(line: OutputLine | EndLine): void {
    const pending = this.#pending.get(line.id);
    // What nobody waits for any more belongs to somebody who used this guest before.
    if (pending === undefined) return;
    if ("from" in line) {
      pending.line?.(line);
      return;
    }
    this.#pending.delete(line.id);
    pending.end(line);
  }
}

function unanswered(id: number, reason: string): EndLine {
  const nothing = { exitCode: null, stdout: "", stderr: "", droppedBytes: 0, atMs: Number.NaN };
  return { id, endedBy: reason, ...nothing };
}

/** The value, or what `late` says once the time is up. */
async function within<Value, Late>(
  value: Promise<Value>,
  limitMs: number,
  late: () => Late,
): Promise<Value | Late> {
  const stop = new AbortController();
  const timer = delay(limitMs, "late" as const, { signal: stop.signal }).catch(
    () => "late" as const,
  );
  const first = await Promise.race([value.then((settled) => ({ settled })), timer]);
  stop.abort();
  return first === "late" ? late() : first.settled;
}
