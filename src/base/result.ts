/**
 * An expected failure is a value, not an exception. A `Fault` carries a stable code that
 * programs may match on, a sentence for people, and where possible the remedy.
 */

export interface Fault<Code extends string = string> {
  /** Stable, upper-case, starts with `E_`; listed in docs/error-codes.md. */
  readonly code: Code;
  /** One sentence: what went wrong. */
  readonly message: string;
  /** What the reader can do about it, when anybody knows. */
  readonly remedy?: string;
}

export type Result<Value, Failure = Fault> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: Failure };

export function ok<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

export function failed<Failure>(fault: Failure): { readonly ok: false; readonly fault: Failure } {
  return { ok: false, fault };
}

/** Builds a fault; `remedy` is left out, not set to undefined, when there is none. */
export function fault<Code extends string>(
  code: Code,
  message: string,
  remedy?: string,
): Fault<Code> {
  return remedy === undefined ? { code, message } : { code, message, remedy };
}

/** The sentence of whatever was thrown; for logs and faults at the border to foreign code. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
