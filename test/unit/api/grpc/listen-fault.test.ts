import { describe, expect, it } from "vitest";
import { listenFault } from "../../../../src/api/grpc/listen-fault.ts";

describe("a port for keys that is taken", () => {
  it("is named, with the flag and a value that is sure to work", () => {
    const { code, message, remedy } = listenFault({ code: "EADDRINUSE" }, "127.0.0.1:8481");
    expect(code).toBe("E_ADDRESS_IN_USE");
    expect(message).toContain("127.0.0.1:8481");
    expect(remedy).toContain("--grpc 127.0.0.1:0");
  });
});
