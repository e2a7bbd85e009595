/** Losses per window, from the lines that ping prints. */

import { describe, expect, it } from "vitest";
import { type PingWindow, PingWindows } from "../../lab/host/ping-windows.ts";

const reply = (sequence: number, tail = "") =>
  `64 bytes from 10.99.0.3: icmp_seq=${sequence} ttl=64 time=1.23 ms${tail}`;
const noAnswer = (sequence: number) => `no answer yet for icmp_seq=${sequence}`;

/** Windows of ten pings; a reply may come ten pings later. */
function tenByTen(onWindow?: (window: PingWindow) => void): PingWindows {
  const options = { intervalMs: 100, windowMs: 1_000, replyWithinMs: 1_000 };
  return new PingWindows(onWindow === undefined ? options : { ...options, onWindow });
}

function feed(windows: PingWindows, from: number, to: number, lost: readonly number[] = []): void {
  for (let sequence = from; sequence <= to; sequence++) {
    windows.line(lost.includes(sequence) ? noAnswer(sequence) : reply(sequence));
  }
}

const losses = (windows: PingWindows) => windows.windows.map(({ lost }) => lost);

describe("ping windows", () => {
  it("count what was lost in the window in which it was sent", () => {
    const windows = tenByTen();
    feed(windows, 1, 40, [3, 4, 15, 21, 22, 23]);
    windows.end();
    expect(losses(windows)).toEqual([2, 1, 3, 0]);
    expect(windows.windows[1]).toEqual({ sinceStartMs: 1_000, sent: 10, lost: 1, lossRatio: 0.1 });
  });

  it("are closed as the ping goes on, even when nothing at all is answered", () => {
    const closed: number[] = [];
    const windows = tenByTen(({ lost }) => closed.push(lost));
    for (let sequence = 1; sequence <= 25; sequence++) windows.line(noAnswer(sequence));
    expect(closed).toEqual([10]);
  });

  it("take a late reply into account, and not one that is too late", () => {
    const windows = tenByTen();
    feed(windows, 1, 19, [9, 10]);
    windows.line(reply(9));
    feed(windows, 20, 25);
    windows.line(reply(10));
    windows.end();
    expect(losses(windows)[0]).toBe(1);
  });

  it("count a duplicate once, and say that there was one", () => {
    const windows = tenByTen();
    feed(windows, 1, 10, [2]);
    windows.line(reply(1, " (DUP!)"));
    windows.line(reply(3));
    windows.end();
    expect(losses(windows)).toEqual([1]);
    expect(windows.duplicates).toBe(2);
  });

  it("count as lost what the end of the ping leaves unsaid", () => {
    const windows = tenByTen();
    feed(windows, 1, 17);
    windows.line("20 packets transmitted, 17 received, 15% packet loss, time 1917ms");
    windows.end();
    expect(losses(windows)).toEqual([0, 3]);
  });

  it("take an unreachable host for a loss", () => {
    const windows = tenByTen();
    feed(windows, 1, 9);
    windows.line("From 10.99.0.1 icmp_seq=10 Destination Host Unreachable");
    windows.end();
    expect(losses(windows)).toEqual([1]);
  });

  it("go on when the sequence number begins anew after 65,535", () => {
    const windows = new PingWindows({ intervalMs: 1, windowMs: 10_000, replyWithinMs: 100 });
    for (let sequence = 1; sequence <= 140_000; sequence++) {
      if (sequence !== 131_073) windows.line(reply(sequence % 65_536));
    }
    windows.end();
    expect(losses(windows)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it("ignore what is not about a ping", () => {
    const windows = tenByTen();
    windows.line("PING 10.99.0.3 (10.99.0.3) 56(84) bytes of data.");
    windows.line("");
    windows.end();
    expect(windows.windows).toEqual([]);
  });
});
