import { describe, expect, it } from "vitest";
import { failureFields, percentEncoded, timeoutMs } from "../../../../src/api/grpc/grpc-status.ts";

describe("a failed call", () => {
  it("carries its number and its message", () => {
    expect(failureFields({ code: "outOfRange", message: "too far" })).toEqual({
      "grpc-status": "11",
      "grpc-message": "too far",
    });
  });

  it.each([
    ["plain words: no change", "plain words: no change"],
    ["100%", "100%25"],
    ["two\nlines", "two%0Alines"],
    ["Größe", "Gr%C3%B6%C3%9Fe"],
  ])("writes %j as %j", (message, encoded) => {
    expect(percentEncoded(message)).toBe(encoded);
    expect(decodeURIComponent(encoded)).toBe(message);
  });
});

describe("grpc-timeout", () => {
  it.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["5S", 5_000],
    ["250m", 250],
    ["4999870u", 4_999.87],
    ["99999999n", 99.999999],
    ["0m", 0],
  ])("%s is %d ms", (text, expected) => {
    expect(timeoutMs(text)).toBeCloseTo(expected, 6);
  });

  it.each(["", "5", "S", "-1S", "1.5S", "123456789S", "5s", "5S "])("%j is none", (text) => {
    expect(timeoutMs(text)).toBeNull();
  });
});
