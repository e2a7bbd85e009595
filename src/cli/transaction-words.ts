/**
 * Transactions as etcdctl's users type them: `mod("key") > "0"`, `value("key") = "x"`, and the
 * commands `put`, `get` and `del` with their words quoted where they have to be.
 */

import { failed, ok, type Result } from "../base/index.ts";
import { deleteRequest, oneKey, putRequest, rangeRequest, withPrefix } from "../client/index.ts";
import type { Compare, RequestOp, TxnRequest } from "../wire/etcd/rpc.ts";
import { bytesOf, readLease } from "./store-words.ts";

export interface TypedTransaction {
  readonly conditions: readonly string[];
  readonly success: readonly string[];
  readonly failure: readonly string[];
}

const results = { "=": 0, ">": 1, "<": 2, "!=": 3 } as const;

/** The three blocks of etcdctl's `txn`, each ended by an empty line. */
export function readBlocks(text: string): TypedTransaction {
  const blocks: string[][] = [[], [], []];
  let at = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") at++;
    else blocks[Math.min(at, 2)]?.push(line.trim());
  }
  const [conditions = [], success = [], failure = []] = blocks;
  return { conditions, success, failure };
}

/** A fault names the line that is not understood, and why. */
export function readTransaction(typed: TypedTransaction): Result<TxnRequest, string> {
  const compare = all(typed.conditions, readCondition);
  if (!compare.ok) return compare;
  const success = all(typed.success, readOperation);
  if (!success.ok) return success;
  const failure = all(typed.failure, readOperation);
  if (!failure.ok) return failure;
  return ok({ compare: compare.value, success: success.value, failure: failure.value });
}

function all<Value>(
  lines: readonly string[],
  read: (line: string) => Result<Value, string>,
): Result<Value[], string> {
  const values: Value[] = [];
  for (const line of lines) {
    const value = read(line);
    if (!value.ok) return failed(`${value.fault}: ${line}`);
    values.push(value.value);
  }
  return ok(values);
}

const quoted = String.raw`"(?:[^"\\]|\\.)*"`;
const condition = new RegExp(
  String.raw`^(value|version|create|mod|lease|val|ver|c|m)\(\s*(${quoted}|[^"()\s]+)\s*\)\s*(!=|=|<|>)\s*(${quoted}|[^"\s]+)$`,
  "s",
);
const longNames: Readonly<Record<string, string>> = {
  val: "value",
  ver: "version",
  c: "create",
  m: "mod",
};

function readCondition(line: string): Result<Compare, string> {
  const parts = condition.exec(line.trim());
  if (parts === null) return failed('expected a condition such as mod("key") = "0"');
  const [, name = "", keyWord = "", operator = "", operandWord = ""] = parts;
  const key = unquoted(keyWord);
  const operand = unquoted(operandWord);
  if (key === null || operand === null) return failed("a quoted word is not closed");
  const rest = {
    key: bytesOf(key),
    rangeEnd: new Uint8Array(0),
    result: results[operator as keyof typeof results],
  };
  const target = longNames[name] ?? name;
  if (target === "value") {
    return ok({ ...rest, target: 3, targetUnion: { $case: "value", value: bytesOf(operand) } });
  }
  if (target === "lease") {
    const id = /^0+$/.test(operand) ? "0" : readLease(operand);
    if (id === null) return failed("expected a lease, in hexadecimal");
    return ok({ ...rest, target: 4, targetUnion: { $case: "lease", value: id } });
  }
  if (!/^\d{1,15}$/.test(operand)) return failed("expected a whole number");
  const value = Number(operand);
  switch (target) {
    case "version":
      return ok({ ...rest, target: 0, targetUnion: { $case: "version", value } });
    case "create":
      return ok({ ...rest, target: 1, targetUnion: { $case: "createRevision", value } });
    default:
      return ok({ ...rest, target: 2, targetUnion: { $case: "modRevision", value } });
  }
}

function readOperation(line: string): Result<RequestOp, string> {
  const words = wordsOf(line);
  if (words === null) return failed("a quoted word is not closed");
  const [verb, ...rest] = words;
  const isPrefix = rest.includes("--prefix");
  const [key, value, ...more] = rest.filter((word) => word !== "--prefix");
  if (key === undefined || more.length > 0) return failed(expected);
  const range = isPrefix ? withPrefix(bytesOf(key)) : oneKey(bytesOf(key));
  if (verb === "put" && value !== undefined && !isPrefix) {
    const put = putRequest(bytesOf(key), bytesOf(value));
    return ok({ request: { $case: "requestPut", value: put } });
  }
  if (value !== undefined) return failed(expected);
  if (verb === "get") {
    return ok({ request: { $case: "requestRange", value: rangeRequest(range) } });
  }
  if (verb === "del") {
    return ok({ request: { $case: "requestDeleteRange", value: deleteRequest(range) } });
  }
  return failed(expected);
}

const expected = "expected put KEY VALUE, get KEY [--prefix] or del KEY [--prefix]";

/** As a shell would: apart at blanks, but not in quotes. Null when a quote is not closed. */
function wordsOf(line: string): string[] | null {
  const words: string[] = [];
  const word = new RegExp(String.raw`\s*(?:(${quoted})|'([^']*)'|([^\s"']+))(?=\s|$)`, "sy");
  const end = line.trimEnd().length;
  while (word.lastIndex < end) {
    const found = word.exec(line);
    if (found === null) return null;
    const [, double, single, bare] = found;
    const text = double === undefined ? (single ?? bare ?? "") : unquoted(double);
    if (text === null) return null;
    words.push(text);
  }
  return words;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unquoted(word: string): string | null {
  if (!word.startsWith('"')) return word;
  if (word.length < 2 || !word.endsWith('"')) return null;
  return word.slice(1, -1).replaceAll(/\\(.)/gs, (_, each: string) => escapes[each] ?? each);
}
