import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../../src/base/index.ts";
import { asTerm, type Message } from "../../../../src/consensus/index.ts";
import { LaneQueue, messageBytes } from "../../../../src/consensus/io/lane-queue.ts";

const header = {
  ...{ clusterId: "c", protocolVersion: 1, from: "a" as NodeId, to: "b" as NodeId },
  term: asTerm(1),
};

/** An append that can be told from others by the index before it. */
const append = (index: number, bytes = 100): Message => ({
  ...{ ...header, kind: "append", previous: { index, term: asTerm(1) }, commitIndex: 0 },
  entries: [{ index: index + 1, term: asTerm(1), kind: "command", command: new Uint8Array(bytes) }],
});

const indexes = (messages: readonly Message[]) =>
  messages.map((message) => message.kind === "append" && message.previous.index);

const size = messageBytes(append(0));

describe("a lane's queue", () => {
  it("gives oldest first, as much as a frame may hold", () => {
    const queue = new LaneQueue({ maxMessages: 10, maxBytes: 10 * size, drop: "newest" });
    for (let index = 0; index < 5; index++) queue.offer(append(index));
    expect(queue.bytes).toBe(5 * size);
    expect(indexes(queue.take(2 * size))).toEqual([0, 1]);
    expect(indexes(queue.take(10 * size))).toEqual([2, 3, 4]);
    expect(queue.take(size)).toEqual([]);
    expect([queue.messages, queue.bytes, queue.dropped]).toEqual([0, 0, 0]);
  });

  it("gives one message at least, however large", () => {
    const queue = new LaneQueue({ maxMessages: 10, maxBytes: 10 * size, drop: "newest" });
    queue.offer(append(0));
    expect(indexes(queue.take(1))).toEqual([0]);
  });

  it.each([
    ["newest", [0, 1, 2]],
    ["oldest", [2, 3, 4]],
  ] as const)("drops the %s when there are too many, and counts them", (drop, kept) => {
    const queue = new LaneQueue({ maxMessages: 3, maxBytes: 100 * size, drop });
    for (let index = 0; index < 5; index++) queue.offer(append(index));
    expect(queue.dropped).toBe(2);
    expect(indexes(queue.take(100 * size))).toEqual(kept);
  });

  it.each([
    ["newest", [0, 1, 2]],
    ["oldest", [2, 3, 4]],
  ] as const)("drops the %s when they are too large together", (drop, kept) => {
    const queue = new LaneQueue({ maxMessages: 100, maxBytes: 3 * size, drop });
    for (let index = 0; index < 5; index++) queue.offer(append(index));
    expect(queue.dropped).toBe(2);
    expect(queue.bytes).toBe(3 * size);
    expect(indexes(queue.take(100 * size))).toEqual(kept);
  });

  it.each(["oldest", "newest"] as const)(
    "takes one larger than all of it if it is alone",
    (drop) => {
      const queue = new LaneQueue({ maxMessages: 3, maxBytes: size, drop });
      queue.offer(append(0, 10_000));
      expect(queue.messages).toBe(1);
    },
  );

  it("lets an append speak for the empty one that waits right before it", () => {
    const queue = new LaneQueue({ maxMessages: 10, maxBytes: 100 * size, drop: "newest" });
    const notice = (index: number, commitIndex: number, term = 1): Message => ({
      ...{ ...header, term: asTerm(term), kind: "append", entries: [], commitIndex },
      previous: { index, term: asTerm(1) },
    });
    const carrier: Message = { ...append(5), commitIndex: 5 } as Message;
    queue.offer(notice(5, 4));
    queue.offer(notice(5, 5));
    queue.offer(carrier);
    expect(queue.bytes).toBe(size);
    expect(queue.take(100 * size)).toEqual([carrier]);
    // Each of these says something that what follows does not.
    const apart = [notice(5, 6), carrier, notice(6, 5), append(7), notice(8, 0), notice(8, 0, 2)];
    for (const message of apart) queue.offer(message);
    expect(queue.take(100 * size)).toEqual(apart);
    expect([queue.messages, queue.bytes, queue.dropped]).toEqual([0, 0, 0]);
  });

  it("counts what is cleared as dropped", () => {
    const queue = new LaneQueue({ maxMessages: 3, maxBytes: 100 * size, drop: "oldest" });
    queue.offer(append(0));
    queue.clear();
    expect([queue.messages, queue.bytes, queue.dropped]).toEqual([0, 0, 1]);
  });
});
