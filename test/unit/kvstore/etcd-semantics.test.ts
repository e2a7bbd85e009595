import { describe, expect, it } from "vitest";
import {
  type Command,
  type Compare,
  deleteRangeRequest,
  limits,
  type Operation,
  prefixEnd,
  putRequest,
  rangeRequest,
} from "../../../src/kvstore/index.ts";
import { bytesText, StoreHarness, textBytes } from "./support/store-harness.ts";

const refusedWith = (code: string) => ({ kind: "refused", fault: { code } });
const transaction = (
  compare: readonly Compare[],
  success: readonly Operation[],
  failure: readonly Operation[] = [],
): Command => ({ kind: "transaction", compare, success, failure });
const equal = (key: string, operand: string): Compare => {
  return { key, rangeEnd: "", result: "equal", target: "value", operand: textBytes(operand) };
};

describe("revisions, as etcd counts them", () => {
  it("begin at 1 and grow with each write that changes something", async () => {
    const store = await StoreHarness.open();
    expect(store.machine.status().revision).toBe(1);
    expect(await store.put("a", "1")).toMatchObject({ revision: 2 });
    expect(await store.delete("nothing")).toMatchObject({ revision: 2, deleted: 0 });
    expect(await store.delete("a")).toMatchObject({ revision: 3, deleted: 1 });
    const reads = transaction([], [rangeRequest({ key: "a" })]);
    expect(await store.run(reads)).toMatchObject({ revision: 3 });
  });

  it("of a key: created once, modified and counted at each put, anew after a deletion", async () => {
    const store = await StoreHarness.open();
    for (const value of ["1", "2"]) await store.put("a", value);
    const read = async () => await store.machine.range(rangeRequest({ key: "a" }));
    const first = { createRevision: 2, modRevision: 3, version: 2 };
    expect(await read()).toMatchObject({ value: { keyValues: [first] } });
    await store.delete("a");
    await store.put("a", "3");
    const again = { createRevision: 5, modRevision: 5, version: 1 };
    expect(await read()).toMatchObject({ value: { keyValues: [again] } });
  });

  it("are shared by all writes of a transaction, which see each other", async () => {
    const store = await StoreHarness.open();
    const put = (key: string) => putRequest({ key, value: textBytes("x") });
    const reply = await store.run(
      transaction([], [put("a"), put("b"), rangeRequest({ key: "a" })]),
    );
    const keyValues = [{ key: "a", modRevision: 2 }];
    expect(reply).toMatchObject({ revision: 2, replies: [{}, {}, { revision: 2, keyValues }] });
  });
});

describe("transactions", () => {
  it("take one branch by all their compares, and say which", async () => {
    const store = await StoreHarness.open();
    await store.put("a", "1");
    const swap = transaction([equal("a", "1")], [putRequest({ key: "a", value: textBytes("2") })]);
    expect(await store.run(swap)).toMatchObject({ succeeded: true, revision: 3 });
    expect(await store.run(swap)).toMatchObject({ succeeded: false, revision: 3, replies: [] });
    expect(await store.value("a")).toBe("2");
  });

  it("compare a missing key as version 0, and never by value, not even to nothing", async () => {
    const store = await StoreHarness.open();
    const version: Compare = {
      key: "a",
      rangeEnd: "",
      result: "equal",
      target: "version",
      operand: 0,
    };
    expect(await store.run(transaction([version], []))).toMatchObject({ succeeded: true });
    expect(await store.run(transaction([equal("a", "")], []))).toMatchObject({ succeeded: false });
  });

  it("judge nested compares by the state before any of their writes", async () => {
    const store = await StoreHarness.open();
    const inner = transaction([equal("a", "1")], [], [putRequest({ key: "seen-before" })]);
    const put = putRequest({ key: "a", value: textBytes("1") });
    await store.run(transaction([], [put, inner as Operation]));
    expect(await store.value("seen-before")).toBe("");
  });

  it("do nothing at all when one operation of the chosen branch cannot be done", async () => {
    const store = await StoreHarness.open();
    const put = putRequest({ key: "a", value: textBytes("1") });
    const unleased = putRequest({ key: "b", lease: 5n });
    expect(await store.run(transaction([], [put, unleased]))).toMatchObject(
      refusedWith("E_LEASE_NOT_FOUND"),
    );
    expect(await store.value("a")).toBeNull();
    const other = transaction([], [put], [unleased]);
    expect(await store.run(other)).toMatchObject({ succeeded: true });
  });

  const put = putRequest({ key: "k" });
  const many = Array.from({ length: 129 }, (_, i) => putRequest({ key: `k${i}` }));
  const nested = (success: readonly Operation[], failure: readonly Operation[] = []) =>
    transaction([], success, failure) as Operation;
  it.each([
    { what: "a key put twice", list: [put, put], code: "E_KEY_DUPLICATE" },
    {
      what: "a key put and deleted",
      list: [put, deleteRangeRequest({ key: "a", rangeEnd: "z" })],
      code: "E_KEY_DUPLICATE",
    },
    {
      what: "a key put here and in a nested one",
      list: [put, nested([put])],
      code: "E_KEY_DUPLICATE",
    },
    {
      what: "a key put in both branches of a nested one",
      list: [nested([put], [put])],
      code: null,
    },
    {
      what: "a key put and, without an end, deleted",
      list: [put, deleteRangeRequest({ key: "a", rangeEnd: "\0" })],
      code: null,
    },
    { what: "129 operations", list: many, code: "E_TOO_MANY_OPERATIONS" },
    { what: "128 operations", list: many.slice(1), code: null },
    {
      what: "128 and one nested in one of them",
      list: [...many.slice(2), nested([put])],
      code: "E_TOO_MANY_OPERATIONS",
    },
    { what: "an empty key", list: [putRequest({ key: "" })], code: "E_KEY_EMPTY" },
    {
      what: "a value to keep and one to set",
      list: [putRequest({ key: "k", ignoreValue: true, value: textBytes("v") })],
      code: "E_VALUE_PROVIDED",
    },
    {
      what: "a lease to keep and one to set",
      list: [putRequest({ key: "k", ignoreLease: true, lease: 1n })],
      code: "E_LEASE_PROVIDED",
    },
    {
      what: "a value to keep where there is none",
      list: [putRequest({ key: "k", ignoreValue: true })],
      code: "E_KEY_NOT_FOUND",
    },
    {
      what: "a read of the future",
      list: [rangeRequest({ key: "k", revision: 99 })],
      code: "E_FUTURE_REVISION",
    },
  ])("with $what: $code", async ({ list, code }) => {
    const store = await StoreHarness.open();
    const reply = await store.run(transaction([], list));
    expect(reply.kind === "refused" ? reply.fault.code : null).toBe(code);
    expect(store.machine.status().revision).toBe(code === null ? 2 : 1);
  });
});

describe("ranges", () => {
  it("take a prefix, all from a key on, or everything", async () => {
    const store = await StoreHarness.open();
    for (const key of ["a", "ab", "abc", "b"]) await store.put(key, key);
    const read = async (key: string, rangeEnd: string) => {
      const found = await store.machine.range(rangeRequest({ key, rangeEnd }));
      return found.ok ? found.value.keyValues.map(({ value }) => bytesText(value)) : found;
    };
    expect(await read("ab", prefixEnd("ab"))).toEqual(["ab", "abc"]);
    expect(await read("abc", "\0")).toEqual(["abc", "b"]);
    expect(await read("\0", "\0")).toEqual(["a", "ab", "abc", "b"]);
    expect(prefixEnd("a\xff")).toBe("b");
    expect(prefixEnd("\xff\xff")).toBe("\0");
  });

  it("count all, whatever the limit, and say that there is more", async () => {
    const store = await StoreHarness.open();
    for (const key of ["a", "b", "c"]) await store.put(key, key);
    const read = await store.machine.range(rangeRequest({ key: "a", rangeEnd: "z", limit: 2 }));
    expect(read).toMatchObject({ value: { count: 3, more: true, keyValues: [{}, {}] } });
  });
});

describe("leases", () => {
  it("take their keys with them in one revision, but not those that were put without since", async () => {
    const store = await StoreHarness.open();
    const id = 2n ** 60n;
    await store.run({ kind: "lease-grant", id, ttlSeconds: 5 });
    for (const key of ["a", "b", "c"]) await store.put(key, "1", id);
    await store.put("b", "2");
    expect(await store.run({ kind: "lease-revoke", id })).toMatchObject({ revision: 6 });
    expect(await store.value("a")).toBeNull();
    expect(await store.value("b")).toBe("2");
    expect(await store.run({ kind: "lease-revoke", id })).toMatchObject(
      refusedWith("E_LEASE_NOT_FOUND"),
    );
  });

  it("do not expire in a term other than the one that saw them run out", async () => {
    const store = await StoreHarness.open();
    await store.run({ kind: "lease-grant", id: 1n, ttlSeconds: 5 });
    store.term = 2;
    expect(await store.run({ kind: "lease-expire", id: 1n, term: 1 })).toMatchObject(
      refusedWith("E_LEASE_RENEWED"),
    );
    expect(await store.run({ kind: "lease-expire", id: 1n, term: 2 })).toMatchObject({
      kind: "lease-revoke",
    });
  });

  it.each([0, limits.leaseTtlSeconds + 1])("of %d seconds are refused", async (ttlSeconds) => {
    const store = await StoreHarness.open();
    const reply = await store.run({ kind: "lease-grant", id: 1n, ttlSeconds });
    expect(reply).toMatchObject(refusedWith("E_LEASE_TTL"));
  });
});

describe("compaction", () => {
  it("keeps what its revision shows, and refuses what is older, or to go back", async () => {
    const store = await StoreHarness.open();
    for (const value of ["1", "2", "3"]) await store.put("a", value);
    expect(await store.compact(9)).toMatchObject(refusedWith("E_FUTURE_REVISION"));
    expect(await store.compact(3)).toMatchObject({ kind: "compact" });
    expect(await store.compact(3)).toMatchObject(refusedWith("E_COMPACTED"));
    expect(await store.value("a", 3)).toBe("2");
    expect(await store.value("a")).toBe("3");
    await expect(store.value("a", 2)).rejects.toThrow("E_COMPACTED");
    expect(store.machine.status()).toMatchObject({ keys: 1, versions: 2 });
  });

  it("forgets deleted keys altogether", async () => {
    const store = await StoreHarness.open();
    await store.put("a", "1");
    await store.delete("a");
    await store.put("b", "1");
    await store.compact(4);
    expect(store.machine.status()).toMatchObject({ keys: 1, versions: 1 });
  });
});

describe("the quota", () => {
  it("refuses what exceeds it and raises an alarm, which forbids puts until it is disarmed", async () => {
    const store = await StoreHarness.open();
    await store.run({ kind: "quota", bytes: 4 * limits.versionBytes });
    for (const value of ["1", "2"]) await store.put("a", value);
    expect(await store.put("a", "x".repeat(100))).toMatchObject(refusedWith("E_NO_SPACE"));
    expect(store.machine.health().state).toBe("degraded");
    await store.compact(3);
    expect(await store.put("a", "")).toMatchObject(refusedWith("E_NO_SPACE"));
    const swap = transaction([], [putRequest({ key: "b" })]);
    expect(await store.run(swap)).toMatchObject(refusedWith("E_NO_SPACE"));
    expect(await store.delete("a")).toMatchObject({ deleted: 1 });
    const [alarm] = store.machine.status().alarms;
    if (alarm === undefined) throw new Error("an alarm is active");
    await store.run({ kind: "alarm", active: false, alarm });
    expect(await store.put("a", "")).toMatchObject({ kind: "put" });
  });
});
