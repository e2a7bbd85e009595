import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { EventHub } from "../../../src/api/http/event-hub.ts";
import type { ShownEvent } from "../../../src/api/http/ports.ts";
import { sampleDecision } from "../../compliance/sample-decision.ts";

/** A hub whose heart beats when the test says so. */
function hubOf(ring: ShownEvent[], maxBufferedBytes = 1_000_000) {
  let beat: () => void = () => {};
  let publish: (event: ShownEvent) => void = () => {};
  const counts = { clients: 0, dropped: 0 };
  const hub = new EventHub(
    {
      loop: {
        eventsAfter: (sequence) => ring.filter((event) => event.sequence > sequence),
        onEvent(listener) {
          publish = listener;
          return () => {
            publish = () => {};
          };
        },
      },
      metrics: {
        sseClients: (clients) => Object.assign(counts, { clients }),
        sseDropped: () => void counts.dropped++,
      },
      clock: {
        monotonicMs: () => 0,
        wallMs: () => 0,
        sleep: (_delayMs, signal) =>
          new Promise((resolve) => {
            beat = resolve;
            signal?.addEventListener("abort", () => resolve());
          }),
      },
    },
    { maxClients: 2, maxBufferedBytes, heartbeatMs: 15_000 },
  );
  hub.start();
  return {
    hub,
    counts,
    publish: (event: ShownEvent) => publish(event),
    async heartbeat() {
      beat();
      await turn();
    },
  };
}

function event(sequence: number, bytes = 0): ShownEvent {
  const decision = sampleDecision(1, { timeline: [{ wallMs: 0, what: "x".repeat(bytes) }] });
  return { sequence, wallMs: 0, event: { kind: "verdict", decision } };
}

const smallPipe = () => new PassThrough({ highWaterMark: 16_384 });
const read = (stream: PassThrough) => String(stream.read() ?? "");
const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe("the event hub", () => {
  const hubs: EventHub[] = [];
  afterEach(() => {
    for (const hub of hubs.splice(0)) hub.stop();
  });
  const open = (...these: Parameters<typeof hubOf>) => {
    const opened = hubOf(...these);
    hubs.push(opened.hub);
    return opened;
  };

  it("keeps a quiet connection alive with a comment at each heartbeat", async () => {
    const { hub, heartbeat } = open([]);
    const stream = smallPipe();
    hub.add(stream, null);
    expect(read(stream)).toBe("retry: 2000\n\n");
    await heartbeat();
    expect(read(stream)).toBe(": still here\n\n");
  });

  it("replays at the pace the client reads, and goes over to what happens then", async () => {
    const ring = Array.from({ length: 50 }, (_, i) => event(i + 1, 2_000));
    const { hub, publish, counts } = open(ring, 40_000);
    const stream = smallPipe();
    hub.add(stream, 0);
    let text = "";
    for (let round = 0; round < 200 && !ids(text).includes(51); round++) {
      expect(stream.writableLength + stream.readableLength).toBeLessThan(80_000);
      if (round === 3) {
        ring.push(event(51));
        publish(event(51));
      }
      text += read(stream);
      await turn();
    }
    expect(ids(text)).toEqual(Array.from({ length: 51 }, (_, i) => i + 1));
    expect(counts.dropped).toBe(0);
  });

  it("tells of a gap in the middle of a replay that the ring has overtaken", async () => {
    const ring = Array.from({ length: 30 }, (_, i) => event(i + 1, 4_000));
    const { hub } = open(ring);
    const stream = smallPipe();
    hub.add(stream, 0);
    ring.splice(0, 20);
    let text = "";
    for (let round = 0; round < 100 && !ids(text).includes(30); round++) {
      text += read(stream);
      await turn();
    }
    const seen = ids(text);
    const last = seen[seen.indexOf(21) - 1];
    expect(text).toContain(`{"after":${last},"next":21,"reason":"older events are gone"}`);
  });

  it("cuts a client that has not moved in its replay between two heartbeats", async () => {
    const ring = Array.from({ length: 50 }, (_, i) => event(i + 1, 4_000));
    const { hub, heartbeat, counts } = open(ring);
    const stream = smallPipe();
    hub.add(stream, 0);
    await heartbeat();
    expect(stream.destroyed).toBe(false);
    await heartbeat();
    expect(stream.destroyed).toBe(true);
    expect(counts).toMatchObject({ clients: 0, dropped: 1 });
  });

  it("cuts a live client whose buffer is over the limit, and only that one", async () => {
    const { hub, publish, counts } = open([], 50_000);
    const [slow, quick] = [smallPipe(), smallPipe()];
    hub.add(slow, null);
    hub.add(quick, null);
    quick.resume();
    for (let i = 1; i <= 40; i++) {
      publish(event(i, 4_000));
      await turn();
    }
    expect(slow.destroyed).toBe(true);
    expect(quick.destroyed).toBe(false);
    expect(counts).toEqual({ clients: 1, dropped: 1 });
  });

  it("is full at its limit and has room again when a client goes", async () => {
    const { hub } = open([]);
    const streams = [smallPipe(), smallPipe()];
    for (const stream of streams) hub.add(stream, null);
    expect(hub.isFull).toBe(true);
    streams[0]?.destroy();
    await turn();
    expect(hub.isFull).toBe(false);
  });

  it("ends its streams when it stops", () => {
    const { hub, publish } = open([]);
    const stream = smallPipe();
    hub.add(stream, null);
    hub.stop();
    expect(stream.writableEnded).toBe(true);
    publish(event(1));
  });
});
