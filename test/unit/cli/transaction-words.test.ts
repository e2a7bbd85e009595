import { describe, expect, it } from "vitest";
import { readBlocks, readTransaction } from "../../../src/cli/transaction-words.ts";

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
const condition = (line: string) => {
  const read = readTransaction({ conditions: [line], success: [], failure: [] });
  if (!read.ok) return read.fault;
  const [compare] = read.value.compare;
  const operand = compare?.targetUnion?.value;
  const shown = operand instanceof Uint8Array ? text(operand) : operand;
  return [compare?.targetUnion?.$case, text(compare?.key), compare?.result, shown];
};
const operation = (line: string) => {
  const read = readTransaction({ conditions: [], success: [line], failure: [] });
  if (!read.ok) return read.fault;
  const request = read.value.success[0]?.request;
  if (request?.$case === "requestPut") {
    return ["put", text(request.value.key), text(request.value.value)];
  }
  if (request?.$case === "requestTxn" || request === undefined) return [];
  return [request.$case, text(request.value.key), text(request.value.rangeEnd)];
};

describe("a condition", () => {
  it.each([
    ['mod("key") > "0"', ["modRevision", "key", 1, 0]],
    ["version(key) = 3", ["version", "key", 0, 3]],
    ['c("a b") < "7"', ["createRevision", "a b", 2, 7]],
    ['val("k") != "say \\"no\\"\\n"', ["value", "k", 3, 'say "no"\n']],
    ['lease("k") = "ff"', ["lease", "k", 0, "255"]],
    ['lease("k") = "0"', ["lease", "k", 0, "0"]],
  ])("%s is read", (line, expected) => {
    expect(condition(line)).toEqual(expected);
  });

  it.each([
    ['size("k") = "1"', "expected a condition"],
    ['mod("k") = "one"', "expected a whole number"],
    ['mod("k) = "1"', "expected a condition"],
    ['lease("k") = "xyz"', "expected a lease"],
  ])("%s is refused, and named", (line, why) => {
    expect(condition(line)).toContain(why);
    expect(condition(line)).toContain(line);
  });
});

describe("an operation", () => {
  it.each([
    ["put a 1", ["put", "a", "1"]],
    ["put 'a b' \"c d\"", ["put", "a b", "c d"]],
    ['put a ""', ["put", "a", ""]],
    ["get a", ["requestRange", "a", ""]],
    ["del a/ --prefix", ["requestDeleteRange", "a/", "a0"]],
  ])("%s is read", (line, expected) => {
    expect(operation(line)).toEqual(expected);
  });

  it.each(["put a", "get", "move a b", 'put a "b', "get a b", "put a b c"])(
    "%s is refused",
    (line) => {
      expect(operation(line)).toContain(line);
    },
  );
});

describe("typed blocks", () => {
  it("are conditions, what to do, and what to do else", () => {
    expect(readBlocks("c1\nc2\n\nput a 1\n\nget a\n\n")).toEqual({
      conditions: ["c1", "c2"],
      success: ["put a 1"],
      failure: ["get a"],
    });
  });

  it("may be empty", () => {
    expect(readBlocks("\nput a 1\n")).toEqual({
      conditions: [],
      success: ["put a 1"],
      failure: [],
    });
  });
});
