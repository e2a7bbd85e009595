import { describe, expect, it } from "vitest";
import { type ErrorEntry, errorTable, isProblemCode } from "../../../src/api/http/error-table.ts";
import { instanceOf, problem, rawProblem } from "../../../src/api/http/problem.ts";

const entries = Object.entries<ErrorEntry>(errorTable);

describe("the error table", () => {
  it.each(entries)("has a well-formed entry for %s", (code, { status, title, meaning }) => {
    expect(code).toMatch(/^E_[A-Z_]+$/);
    if (status !== null) expect(status).toBeGreaterThanOrEqual(400);
    expect(title).not.toMatch(/[.|\r\n]$/);
    expect(meaning).toMatch(/\.$/);
    expect(meaning).not.toContain("|");
  });

  it("knows problems from what keeps the server from starting, and from other people's codes", () => {
    expect(isProblemCode("E_NOT_FOUND")).toBe(true);
    expect(isProblemCode("E_ADDRESS_IN_USE")).toBe(false);
    expect(isProblemCode("toString")).toBe(false);
  });
});

describe("a problem", () => {
  it("has the members of RFC 9457 and ours", () => {
    expect(problem("E_NOT_FOUND", "/x", "gone")).toEqual({
      type: "urn:meshmend:error:E_NOT_FOUND",
      title: "No such route",
      status: 404,
      detail: "gone",
      code: "E_NOT_FOUND",
      instance: "/x",
    });
  });

  it("names the path without its query, and not without end", () => {
    expect(instanceOf("/a/b?token=1")).toBe("/a/b");
    expect(instanceOf(`/${"x".repeat(1_000)}`)).toHaveLength(256);
  });

  it("can be written to a bare connection, with a length that is true", () => {
    const [header = "", body = ""] = rawProblem("E_HEADER_TOO_LARGE").split("\r\n\r\n");
    expect(header).toMatch(/^HTTP\/1\.1 431 Header too large\r\n/);
    expect(header).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    expect(header).toContain("Connection: close");
    expect(JSON.parse(body)).toMatchObject({ code: "E_HEADER_TOO_LARGE", status: 431 });
  });
});
