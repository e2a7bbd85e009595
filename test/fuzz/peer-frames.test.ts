/**
 * Whatever bytes arrive on the peer port, decoding answers with a value: random bytes, and frames of
 * ours with some bytes changed, cut or repeated. What it lets through is fit for Raft.
 */

import process from "node:process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeRequest,
  decodeResponse,
  encodeBatch,
  messagesOf,
} from "../../src/consensus/io/exchange-frames.ts";
import { memberService } from "../../src/consensus/io/member-service.ts";
import { isWellFormed } from "../../src/consensus/message-check.ts";
import { anyMessage, envelope } from "../support/sample-messages.ts";

const numRuns = process.env["MESHMEND_SOAK"] === "1" ? 1_000_000 : 20_000;

/** Decodes as a receiver would; throws only if decoding does. */
function receive(bytes: Uint8Array): "refused" | "taken" {
  const request = decodeRequest(bytes);
  if (!request.ok) {
    expect(request.fault.code).toBe("E_PEER_MALFORMED");
    return "refused";
  }
  if (request.value.$case !== "batch") return "taken";
  const messages = messagesOf(request.value.value, envelope);
  if (!messages.ok) {
    expect(messages.fault.code).toBe("E_PEER_MALFORMED");
    return "refused";
  }
  expect(messages.value.every(isWellFormed)).toBe(true);
  return "taken";
}

const mutated = fc
  .tuple(
    fc.array(anyMessage, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }),
    fc.nat(),
    fc.boolean(),
  )
  .map(([messages, changes, cut, twice]) => {
    const frame = Uint8Array.from(encodeBatch(messages));
    for (const [place, value] of changes) frame[place % frame.length] = value;
    const end = cut % 4 === 0 ? cut % frame.length : frame.length;
    const part = frame.subarray(0, end);
    return twice ? Uint8Array.of(...part, ...part) : part;
  });

describe("frames from anybody", () => {
  it("of random bytes are refused or taken, never thrown", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => {
        receive(bytes);
        decodeResponse(bytes);
        for (const { requestDeserialize, responseDeserialize } of Object.values(memberService)) {
          requestDeserialize(Buffer.from(bytes));
          responseDeserialize(Buffer.from(bytes));
        }
      }),
      { numRuns },
    );
  });

  it("that once were ours are refused or taken, never thrown", () => {
    const outcomes = { refused: 0, taken: 0 };
    fc.assert(
      fc.property(mutated, (bytes) => {
        outcomes[receive(bytes)]++;
      }),
      { numRuns: numRuns / 4 },
    );
    // Otherwise the mutations would be too wild, or too tame, to show anything.
    expect(outcomes.refused).toBeGreaterThan(numRuns / 100);
    expect(outcomes.taken).toBeGreaterThan(numRuns / 100);
  });
});
