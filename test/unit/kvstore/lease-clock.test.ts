import { describe, expect, it } from "vitest";
import { type Lease, LeaseClock } from "../../../src/kvstore/index.ts";

const lease = (id: bigint, ttlSeconds: number): [bigint, Lease] => {
  return [id, { id, ttlSeconds, keys: new Set() }];
};

describe("a lease clock", () => {
  it("gives a lease its time from when it first sees it, and from each renewal", () => {
    const leases = new Map([lease(1n, 5)]);
    const clock = new LeaseClock({ leases: () => leases });
    expect(clock.expired(100, 10)).toEqual([]);
    expect(clock.expired(5_099, 10)).toEqual([]);
    expect(clock.renew(1n, 5_099)).toEqual({ ok: true, value: 5 });
    expect(clock.remainingMs(1n, 6_099)).toBe(4_000);
    expect(clock.expired(10_098, 10)).toEqual([]);
    expect(clock.expired(10_099, 10)).toEqual([1n]);
  });

  it("does not renew what has run out, nor what it does not know", () => {
    const leases = new Map([lease(1n, 5)]);
    const clock = new LeaseClock({ leases: () => leases });
    clock.expired(0, 10);
    expect(clock.renew(1n, 5_000)).toMatchObject({ fault: { code: "E_LEASE_NOT_FOUND" } });
    expect(clock.renew(2n, 0)).toMatchObject({ fault: { code: "E_LEASE_NOT_FOUND" } });
    expect(clock.remainingMs(2n, 0)).toBeNull();
  });

  it("names those that have run out again until they are gone, so many at a time", () => {
    const leases = new Map([lease(1n, 1), lease(2n, 1), lease(3n, 9)]);
    const clock = new LeaseClock({ leases: () => leases });
    clock.expired(0, 10);
    expect(clock.expired(1_000, 1)).toEqual([1n]);
    expect(clock.expired(2_000, 10)).toEqual([1n, 2n]);
    leases.delete(1n);
    expect(clock.expired(2_000, 10)).toEqual([2n]);
  });

  it("gives a lease that was granted anew under the same id its full time", () => {
    const leases = new Map([lease(1n, 1)]);
    const clock = new LeaseClock({ leases: () => leases });
    clock.expired(0, 10);
    leases.delete(1n);
    clock.expired(500, 10);
    leases.set(...lease(1n, 1));
    expect(clock.remainingMs(1n, 900)).toBe(1_000);
  });

  it("gives all their full time again when this node begins to lead", () => {
    const leases = new Map([lease(1n, 5)]);
    const clock = new LeaseClock({ leases: () => leases });
    clock.expired(0, 10);
    clock.reset();
    expect(clock.expired(9_000, 10)).toEqual([]);
    expect(clock.remainingMs(1n, 9_000)).toBe(5_000);
  });
});
