import { describe, expect, it } from "vitest";
import { keyOfText, putRequest, rangeRequest } from "../../../src/kvstore/index.ts";
import type { Told } from "../../support/naive-store.ts";
import { checkLinearizable, type Model, type Operation } from "./linearizability.ts";
import { claimedRevisions, type StoreRequest, storeModel } from "./store-model.ts";

type RegisterRequest = { write: number } | "read";
const register: Model<number, RegisterRequest, number> = {
  initial: 0,
  step: (state, request, answer) => {
    if (request !== "read") return request.write;
    return answer === null || answer === state ? state : null;
  },
  nameOf: String,
};

/** "w1 3-5" is a write of 1 from moment 3 to 5, "r1 6-7" a read of 1, "w2 4-" never answered. */
function historyOf(text: string): Operation<RegisterRequest, number>[] {
  return text.split(", ").map((each) => {
    const [, kind, value, from, to] = /^([wr])(\d+) (\d+)-(\d*)$/.exec(each) ?? [];
    const request = kind === "w" ? { write: Number(value) } : "read";
    const returned = to === "" ? null : { at: Number(to), answer: Number(value) };
    return { request, invokedAt: Number(from), returned };
  });
}

describe("the checker of linearizability", () => {
  it.each([
    "w1 1-2, r1 3-4",
    "w1 1-5, r0 2-3, r1 4-6",
    "w1 1-9, w2 2-8, r2 3-4, r1 5-6",
    "w1 1-, r0 2-3, r1 4-5, r1 6-7",
    "w1 1-2, w2 3-, r1 4-5",
  ])("accepts %s", (text) => {
    expect(checkLinearizable(register, historyOf(text))).toEqual({ linearizable: true });
  });

  it.each([
    "w1 1-2, r0 3-4",
    "w1 1-9, r1 2-3, r0 4-5",
    "w1 1-2, w2 3-4, r1 5-6",
    "w1 1-, r1 2-3, r0 4-5",
    "w1 1-9, w2 2-8, r2 3-4, r1 5-6, r2 7-10",
    "r1 1-2, w1 3-4",
  ])("rejects %s", (text) => {
    expect(checkLinearizable(register, historyOf(text))).toMatchObject({ linearizable: false });
  });

  it("gives up when it is told to", () => {
    const writes = Array.from({ length: 20 }, (_, i) => `w${i} ${i + 1}-100${i}`).join(", ");
    const history = historyOf(`${writes}, r99 2000-2001`);
    expect(checkLinearizable(register, history, 1_000)).toEqual({ linearizable: null });
  });
});

describe("the checker of the store's histories", () => {
  let moment = 0;
  const operation = (
    request: StoreRequest,
    answer: Told | null,
  ): Operation<StoreRequest, Told> => ({
    request,
    invokedAt: ++moment,
    returned: answer === null ? null : { at: ++moment, answer },
  });
  const put = (value: number) =>
    putRequest({ key: keyOfText("a"), value: new Uint8Array([value]) });
  const wrote = (revision: number): Told => ({ kind: "put", revision, previous: null });
  const read = rangeRequest({ key: "a" });
  const found = (revision: number, modRevision: number, version: number, value: number): Told => {
    const keyValue = { key: "a", createRevision: 2, modRevision, version, lease: 0n };
    const keyValues = [{ ...keyValue, value: new Uint8Array([value]) }];
    return { kind: "range", revision, keyValues, more: false, count: 1 };
  };
  const check = (...history: Operation<StoreRequest, Told>[]) =>
    checkLinearizable(
      storeModel(new Set([3]), claimedRevisions(history), () => null),
      history,
    ).linearizable;

  it("accepts what a store does, and writes of which nobody knows", () => {
    expect(check(operation(put(1), wrote(2)), operation(read, found(3, 2, 1, 1)))).toBe(true);
    expect(
      check(
        operation(put(1), wrote(2)),
        operation(put(2), null),
        operation(read, found(4, 4, 2, 2)),
      ),
    ).toBe(true);
    expect(
      check(
        operation(put(1), wrote(2)),
        operation(put(2), null),
        operation(read, found(3, 2, 1, 1)),
      ),
    ).toBe(true);
  });

  it.each([
    { what: "a stale read", last: operation(read, found(2, 2, 1, 1)), known: true },
    { what: "a value that nobody wrote", last: operation(read, found(4, 4, 2, 7)), known: true },
    { what: "a revision given twice", last: operation(put(3), wrote(4)), known: true },
    { what: "a revision left out", last: operation(put(3), wrote(6)), known: true },
    { what: "a write lost", last: operation(read, found(3, 2, 1, 1)), known: true },
  ])("rejects $what", ({ last }) => {
    const first = {
      ...operation(put(1), wrote(2)),
      invokedAt: -4,
      returned: { at: -3, answer: wrote(2) },
    };
    const second = {
      ...operation(put(2), wrote(4)),
      invokedAt: -2,
      returned: { at: -1, answer: wrote(4) },
    };
    expect(check(first, second, last)).toBe(false);
  });
});
