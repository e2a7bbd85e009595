import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { framed, MessageAssembler } from "../../../../src/api/grpc/message-framing.ts";

function assemble(assembler: MessageAssembler, chunks: readonly Buffer[]) {
  const messages: Buffer[] = [];
  for (const chunk of chunks) {
    const failure = assembler.push(chunk, (message) => messages.push(Buffer.from(message)));
    if (failure !== null) return { messages, failure };
  }
  return { messages, failure: null };
}

describe("messages on a stream", () => {
  it("come out as they went in, wherever the chunks are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map((message) => framed(message)));
          const chunks: Buffer[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const next = at + (cuts[i % cuts.length] ?? 1);
            chunks.push(stream.subarray(at, next));
            at = next;
          }
          const assembler = new MessageAssembler(1_000);
          expect(assemble(assembler, chunks)).toEqual({
            messages: messages.map((message) => Buffer.from(message)),
            failure: null,
          });
          expect(assembler.isMidway).toBe(false);
        },
      ),
    );
  });

  it("are refused by their announced length, before a byte of them is there", () => {
    const outcome = assemble(new MessageAssembler(10), [Buffer.from([0, 0, 0, 0, 11])]);
    expect(outcome.failure).toEqual({
      code: "resourceExhausted",
      message: "grpc: received message larger than max (11 vs. 10)",
    });
  });

  it("are not taken for their length when 4 GiB are announced", () => {
    const outcome = assemble(new MessageAssembler(10), [Buffer.from([0, 255, 255, 255, 255])]);
    expect(outcome.failure?.message).toContain("4294967295");
  });

  it.each([
    [1, "unimplemented"],
    [2, "internal"],
  ])("are refused with a flag of %i: %s", (flag, code) => {
    const outcome = assemble(new MessageAssembler(10), [Buffer.from([flag, 0, 0, 0, 0])]);
    expect(outcome.failure?.code).toBe(code);
  });

  it("say when one is half there", () => {
    const assembler = new MessageAssembler(10);
    assemble(assembler, [Buffer.from([0, 0, 0])]);
    expect(assembler.isMidway).toBe(true);
  });
});
