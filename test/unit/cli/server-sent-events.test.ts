import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventStreamReader } from "../../../src/cli/server-sent-events.ts";

const stream =
  'id: 1\nevent: told\ndata: {"a":1}\n\n: heartbeat\n\nid: 2\r\ndata: x\r\ndata: y\r\n\r\n';
const expected = [
  { id: "1", kind: "told", data: '{"a":1}' },
  { id: "2", kind: "message", data: "x\ny" },
];

describe("a stream of events", () => {
  it("is the same however it is cut into pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10 })), (sizes) => {
        const reader = new EventStreamReader();
        const events = [];
        let rest = stream;
        for (const size of [...sizes, stream.length]) {
          events.push(...(reader.read(rest.slice(0, size)) ?? []));
          rest = rest.slice(size);
        }
        expect(events).toEqual(expected);
      }),
    );
  });

  it("is given up when one event never ends", () => {
    const reader = new EventStreamReader();
    let given = 0;
    while (given++ < 5_000 && reader.read(`data: ${"x".repeat(1_000)}\n`) !== null);
    expect(given).toBeLessThan(2_000);
  });

  it("is given up when one line never ends", () => {
    const reader = new EventStreamReader();
    let given = 0;
    while (given++ < 5_000 && reader.read("x".repeat(1_000)) !== null);
    expect(given).toBeLessThan(2_000);
  });
});
