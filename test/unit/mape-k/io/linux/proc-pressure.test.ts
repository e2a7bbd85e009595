import { describe, expect, it } from "vitest";
import { parsePressure } from "../../../../../src/mape-k/io/linux/proc-pressure.ts";

const some = "some avg10=3.11 avg60=1.78 avg300=0.59 total=11435418\n";
const full = "full avg10=0.70 avg60=0.43 avg300=0.13 total=2696167\n";

describe("/proc/pressure", () => {
  it("gives the shares of the last ten seconds", () => {
    const reading = { resource: "memory", someRatio: 0.0311, fullRatio: 0.007 };
    expect(parsePressure("memory", some + full)).toEqual({ ok: true, value: reading });
  });

  it("reads a whole stall as 1", () => {
    const text = some.replace("3.11", "100.00") + full.replace("0.70", "99.99");
    const reading = { resource: "io", someRatio: 1, fullRatio: 0.9999 };
    expect(parsePressure("io", text)).toEqual({ ok: true, value: reading });
  });

  it("takes a missing full line of the CPU (before 5.13) as 0", () => {
    const reading = { resource: "cpu", someRatio: 0.0311, fullRatio: 0 };
    expect(parsePressure("cpu", some)).toEqual({ ok: true, value: reading });
  });

  it.each([
    ["nothing", "memory", ""],
    ["no full line of the memory", "memory", some],
    ["no some line", "cpu", full],
    ["a broken full line of the CPU", "cpu", `${some}full avg10=`],
    ["a share above one", "io", some.replace("3.11", "311.00") + full],
    ["a share that is no number", "io", some.replace("3.11", "nan") + full],
    ["a negative share", "io", some.replace("3.11", "-3.11") + full],
  ] as const)("is malformed: %s", (_, resource, text) => {
    expect(parsePressure(resource, text)).toMatchObject({ fault: { code: "E_MALFORMED" } });
  });
});
