/**
 * The Logger of base over pino. A line is written before the call returns, so a crash loses
 * none; and a reader that has stalled costs a few milliseconds and some counted lines, never the
 * loop.
 */

import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { type Logger as Pino, pino } from "pino";
import type { LogFields, Logger } from "../base/index.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** `auto`: pretty on a terminal, JSON lines elsewhere. */
  readonly format: "auto" | "json" | "pretty";
  /** Stands in every line. */
  readonly node: string;
  /** Where the lines go; standard output when left out. */
  readonly fileDescriptor?: number;
}

export interface OpenedLog {
  readonly logger: Logger;
  /** Lines that could not be written since the start. */
  dropped(): number;
}

/** pino-pretty is loaded only when it is used: a daemon under systemd never pays for it. */
export async function openLog(options: LogOptions): Promise<OpenedLog> {
  const fileDescriptor = options.fileDescriptor ?? 1;
  const terminal = isatty(fileDescriptor);
  const pretty = options.format === "pretty" || (options.format === "auto" && terminal);
  const paint = pretty ? await prettyPrinter(terminal) : (line: string) => line;
  const sink = new LineSink(fileDescriptor);
  const root = pino(
    {
      level: options.level,
      base: { node: options.node },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // A field named `error` that holds an Error is written with its stack.
      serializers: { error: pino.stdSerializers.err },
    },
    { write: (line: string) => sink.write(paint(line)) },
  );
  return { logger: loggerOver(root), dropped: () => sink.dropped };
}

async function prettyPrinter(terminal: boolean): Promise<(line: string) => string> {
  const { prettyFactory } = await import("pino-pretty");
  // https://no-color.org: an empty one does not count.
  const { NO_COLOR = "", TERM } = process.env;
  const colorize = terminal && NO_COLOR === "" && TERM !== "dumb";
  return prettyFactory({ colorize, translateTime: "SYS:HH:MM:ss.l", ignore: "node" });
}

function loggerOver(target: Pino): Logger {
  const at =
    (level: "debug" | "info" | "warn" | "error") => (message: string, fields?: LogFields) =>
      fields === undefined ? target[level](message) : target[level](fields, message);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => loggerOver(target.child(fields)),
  };
}

/** How often a full pipe is tried again, a millisecond apart, before the line is dropped. */
const patience = 5;

/**
 * Writes whole lines to a file descriptor. A pipe may take half a line; the other half then goes
 * before the next line, so lines are never mixed.
 */
class LineSink {
  readonly #fileDescriptor: number;
  #rest: Buffer = Buffer.alloc(0);
  #dropped = 0;
  /** The last line found no taker: the next ones do not wait for one either. */
  #stalled = false;

  constructor(fileDescriptor: number) {
    this.#fileDescriptor = fileDescriptor;
  }

  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (!this.#push(this.#rest)) {
      this.#dropped++;
      return;
    }
    const bytes = Buffer.from(line);
    if (!this.#push(bytes) && this.#rest.length === bytes.length) {
      this.#rest = Buffer.alloc(0);
      this.#dropped++;
    }
  }

  /** False when not all could be written; what is left stays in `#rest`. */
  #push(bytes: Buffer): boolean {
    this.#rest = bytes;
    for (let tries = 0; this.#rest.length > 0; ) {
      try {
        this.#rest = this.#rest.subarray(writeSync(this.#fileDescriptor, this.#rest));
      } catch (thrown) {
        // A full pipe may drain; a closed one, a full disk or a failing one will not soon.
        const full = (thrown as NodeJS.ErrnoException).code === "EAGAIN";
        if (!full || this.#stalled || ++tries > patience) {
          this.#stalled = true;
          return false;
        }
        pauseOneMillisecond();
      }
    }
    this.#stalled = false;
    return true;
  }
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

function pauseOneMillisecond(): void {
  Atomics.wait(pauseCell, 0, 0, 1);
}
