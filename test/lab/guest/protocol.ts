/**
 * What host and guest say to each other: one JSON object a line, each way. The guest knows
 * processes only; what a mesh is, the host knows. So the guest stays light, as it must: its
 * processors are emulated.
 */

/** Runs to its end, within `timeoutMs`, then is killed. */
export interface RunRequest {
  readonly id: number;
  readonly do: "run";
  readonly command: readonly string[];
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Runs until it ends or is told to; its lines come as they are printed. */
export interface StartRequest {
  readonly id: number;
  readonly do: "start";
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Sends a signal to a process that `start` began, and to its children. */
export interface SignalRequest {
  readonly id: number;
  readonly do: "signal";
  readonly signal: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSTOP" | "SIGCONT";
}

/** Kills all that was begun and not ended: the next one who asks finds an empty guest. */
export interface ResetRequest {
  readonly id: number;
  readonly do: "reset";
}

export type GuestRequest = RunRequest | StartRequest | SignalRequest | ResetRequest;

/** Sent once, when the guest listens. */
export interface ReadyLine {
  readonly ready: true;
  readonly kernel: string;
  readonly node: string;
}

/** One line of a started process. */
export interface OutputLine {
  readonly id: number;
  readonly from: "stdout" | "stderr";
  readonly line: string;
  /** The guest's monotonic clock; guest and host advance alike, from different zeros. */
  readonly atMs: number;
}

/** The end of a process, or of a request that has none. */
export interface EndLine {
  readonly id: number;
  /** Null when a signal ended it, or when it could not be started. */
  readonly exitCode: number | null;
  /** The signal, `timeout`, or why it did not start; null when it ended by itself. */
  readonly endedBy: string | null;
  /** Of `run` only. */
  readonly stdout: string;
  readonly stderr: string;
  /** What was beyond `maxOutputBytes`. */
  readonly droppedBytes: number;
  readonly atMs: number;
}

export type GuestLine = ReadyLine | OutputLine | EndLine;

/** Of each stream of a `run`, and of one line of a started process. */
export const maxOutputBytes = 1_048_576;
