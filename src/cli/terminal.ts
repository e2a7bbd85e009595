/**
 * What a command may know of the world it was started in, as one argument, so that a test can
 * be that world. It knows the manners of terminals: colours only where they are wanted
 * (https://no-color.org), and no foreign control characters, ever.
 */

import type { Fault } from "../base/index.ts";
import type { ExitCode } from "./exit-code.ts";

export type Colour = "bold" | "dim" | "red" | "green" | "yellow";

const codes: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Standard input, in pieces. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly isInteractive: boolean;
  /** The size as it is now: terminals are resized. */
  readonly columns: number;
  readonly rows: number;
  readonly paint: (colour: Colour, text: string) => string;
  /** To standard output; the text brings its own line end. Bytes are left as they are. */
  write(text: string | Uint8Array): void;
  /** To standard error. */
  complain(text: string): void;
  /** Aborts on SIGINT and SIGTERM. Commands that follow something ask for it; `run` does not. */
  interruption(): AbortSignal;
}

/** A failure that knows with which code the process ends. */
export interface CliFault extends Fault {
  readonly exit: ExitCode;
}

export function cliFault(exit: ExitCode, code: string, message: string, remedy?: string): CliFault {
  return remedy === undefined ? { exit, code, message } : { exit, code, message, remedy };
}

/** Tells the fault in one line and gives the exit code to end with. */
export function complainOf(terminal: Terminal, fault: CliFault): ExitCode {
  const remedy = fault.remedy === undefined ? "" : `; ${fault.remedy}`;
  const name = terminal.paint("red", "meshmend:");
  terminal.complain(`${name} ${printable(`${fault.message}${remedy}`)} [${fault.code}]\n`);
  return fault.exit;
}

/** Text from elsewhere, made harmless: control and direction characters could rewrite the screen. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
}

export function painter(wanted: boolean): Terminal["paint"] {
  if (!wanted) return (_colour, text) => text;
  return (colour, text) => `\u001b[${codes[colour][0]}m${text}\u001b[${codes[colour][1]}m`;
}

interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string | Uint8Array): unknown;
}

export interface ProcessLike {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Without it, nothing is ever typed. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  cwd(): string;
  once(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export function processTerminal(host: ProcessLike): Terminal {
  const isInteractive = host.stdout.isTTY === true && host.env["TERM"] !== "dumb";
  const noColour = (host.env["NO_COLOR"] ?? "") !== "";
  return {
    environment: host.env,
    workingDirectory: host.cwd(),
    // Looked at only when it is read: opening it would keep the process from ending.
    get input() {
      return host.stdin ?? nothing();
    },
    isInteractive,
    get columns() {
      return host.stdout.columns ?? 100;
    },
    get rows() {
      return host.stdout.rows ?? 24;
    },
    paint: painter(isInteractive && !noColour),
    write: (text) => void host.stdout.write(text),
    complain: (text) => void host.stderr.write(text),
    interruption() {
      const controller = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        host.once(signal, () => controller.abort());
      }
      return controller.signal;
    },
  };
}
