/**
 * Reads what `ping -n -D -O` prints as it prints it, and counts losses per window of time. A window
 * belongs to the moment its requests were sent, and is closed when its last reply can no longer
 * come; so a reply that is late counts, and one that never came is never waited for again.
 */

export interface PingWindow {
  /** Of the first request in it, since the ping's first request. */
  readonly sinceStartMs: number;
  readonly sent: number;
  readonly lost: number;
  readonly lossRatio: number;
}

export interface PingWindowsOptions {
  readonly intervalMs: number;
  readonly windowMs: number;
  /** A reply later than this is lost. */
  readonly replyWithinMs: number;
  /** Calls back when a window is closed. */
  readonly onWindow?: (window: PingWindow) => void;
}

export class PingWindows {
  readonly #options: PingWindowsOptions;
  readonly #perWindow: number;
  readonly #windows: PingWindow[] = [];
  /** Of the windows that are not closed; sequence numbers count from 1. */
  readonly #replied = new Set<number>();
  #lastSequence = 0;
  #duplicates = 0;

  constructor(options: PingWindowsOptions) {
    this.#options = options;
    this.#perWindow = Math.max(1, Math.round(options.windowMs / options.intervalMs));
  }

  get windows(): readonly PingWindow[] {
    return this.#windows;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  line(text: string): void {
    // The last line of all: what was sent and never spoken of was lost.
    const [, transmitted] = /^(\d+) packets transmitted/.exec(text) ?? [];
    if (transmitted !== undefined) this.#lastSequence = Number(transmitted);
    const [, found] = /icmp_seq=(\d+)/.exec(text) ?? [];
    if (found === undefined) return;
    const sequence = this.#unwrapped(Number(found));
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    const isReply = /bytes from .*time=/.test(text);
    // "no answer yet", "Destination Host Unreachable": only tell how far the ping has come.
    if (isReply) {
      if (text.includes("(DUP!)") || this.#replied.has(sequence)) this.#duplicates++;
      else if (sequence > this.#windows.length * this.#perWindow) this.#replied.add(sequence);
    }
    this.#closeUntil(this.#lastSequence - this.#options.replyWithinMs / this.#options.intervalMs);
  }

  /** The ping has ended: what has not come by now will not. */
  end(): void {
    this.#closeUntil(this.#lastSequence);
  }

  /** The kernel counts 16 bits. */
  #unwrapped(sequence: number): number {
    const period = 65_536;
    const rounds = Math.round((this.#lastSequence - sequence) / period);
    return sequence + Math.max(0, rounds) * period;
  }

  #closeUntil(sequence: number): void {
    for (;;) {
      const index = this.#windows.length;
      const first = index * this.#perWindow + 1;
      const last = first + this.#perWindow - 1;
      if (last > sequence) return;
      let received = 0;
      for (let each = first; each <= last; each++) if (this.#replied.delete(each)) received++;
      const lost = this.#perWindow - received;
      const window = {
        sinceStartMs: (first - 1) * this.#options.intervalMs,
        sent: this.#perWindow,
        lost,
        lossRatio: lost / this.#perWindow,
      };
      this.#windows.push(window);
      this.#options.onWindow?.(window);
    }
  }
}
