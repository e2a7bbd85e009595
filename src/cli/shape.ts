/**
 * Checks what a daemon answered before anything relies on it. Small on purpose: a validator
 * library takes longer to load than `meshmend status` takes to run. Unknown fields are dropped,
 * so that an older command understands a newer daemon.
 */

import { failed, ok, type Result } from "../base/index.ts";

/** Gives the value as its type, or throws a `ShapeError`; only `checkShape` calls it from outside. */
export type Shape<Value> = (value: unknown, path: string) => Value;

export type Shaped<Of> = Of extends Shape<infer Value> ? Value : never;

class ShapeError extends Error {}

function refuse(path: string, expected: string): never {
  throw new ShapeError(`expected ${expected} at ${path === "" ? "the top" : path}`);
}

export function checkShape<Value>(shape: Shape<Value>, value: unknown): Result<Value, string> {
  try {
    return ok(shape(value, ""));
  } catch (thrown) {
    if (thrown instanceof ShapeError) return failed(thrown.message);
    throw thrown;
  }
}

export const text: Shape<string> = (value, path) =>
  typeof value === "string" ? value : refuse(path, "text");

export const number: Shape<number> = (value, path) =>
  typeof value === "number" ? value : refuse(path, "a number");

export const boolean: Shape<boolean> = (value, path) =>
  typeof value === "boolean" ? value : refuse(path, "true or false");

export const scalar: Shape<string | number | boolean> = (value, path) =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : refuse(path, "text, a number, true or false");

export function nullable<Value>(shape: Shape<Value>): Shape<Value | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

/** May be missing; then it is undefined. */
export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return (value, path) => (value === undefined ? undefined : shape(value, path));
}

export function list<Value>(shape: Shape<Value>): Shape<readonly Value[]> {
  return (value, path) => {
    if (!Array.isArray(value)) return refuse(path, "a list");
    return value.map((item: unknown, index) => shape(item, `${path}[${index}]`));
  };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type OptionalKeys<Of extends Fields> = {
  [Key in keyof Of]: undefined extends Shaped<Of[Key]> ? Key : never;
}[keyof Of];

/** What may be undefined may also be missing. */
type Recorded<Of extends Fields> = {
  readonly [Key in Exclude<keyof Of, OptionalKeys<Of>>]: Shaped<Of[Key]>;
} & { readonly [Key in OptionalKeys<Of>]?: Shaped<Of[Key]> };

export function record<Of extends Fields>(shapes: Of): Shape<Recorded<Of>> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return refuse(path, "an object");
    }
    const fields = new Map<string, unknown>(Object.entries(value));
    const entries = Object.entries(shapes).map(([key, shape]) => {
      return [key, shape(fields.get(key), path === "" ? key : `${path}.${key}`)] as const;
    });
    return Object.fromEntries(entries.filter(([, each]) => each !== undefined)) as Recorded<Of>;
  };
}
