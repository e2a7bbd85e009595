import { describe, expect, it } from "vitest";
import { connectionFault } from "../../../../src/consensus/io/connection-fault.ts";

const unavailable = (details: string) =>
  connectionFault(Object.assign(new Error(details), { code: 14, details }));

describe("a connection that failed", () => {
  it("is told in the socket's words, without those gRPC wraps them in", () => {
    const wrapped =
      "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:9491. Resolution note: ";
    expect(unavailable(wrapped)).toMatchObject({
      code: "E_PEER_UNREACHABLE",
      message: "the connection failed: connect ECONNREFUSED 127.0.0.1:9491",
    });
  });

  it("is told in gRPC's words where there are no others", () => {
    expect(unavailable("Connection dropped").message).toBe(
      "the connection failed: Connection dropped",
    );
  });
});
