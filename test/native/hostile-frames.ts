/** Frames that a hostile or broken neighbour might send: valid ones, nearly valid ones, and noise. */

import type { Random } from "../../src/base/index.ts";
import { broadcast, elp, frame, ivOgm, ogm2, unicast } from "./frames.ts";

export interface HostileOptions {
  readonly ownAddress: string;
  /** Share of frames from an address that was never seen before. */
  readonly strangers: number;
}

export class HostileFrames {
  readonly #random: Random;
  readonly #options: HostileOptions;
  readonly #numbers = new Map<string, number>();

  constructor(random: Random, options: HostileOptions) {
    this.#random = random;
    this.#options = options;
  }

  next(): Buffer {
    const whole = this.#whole();
    switch (this.#below(8)) {
      case 0:
        return this.#cut(whole);
      case 1:
        return this.#flip(whole);
      default:
        return whole;
    }
  }

  #below(limit: number): number {
    return this.#random.uint32() % limit;
  }

  #chance(share: number): boolean {
    return this.#random.uint32() / 2 ** 32 < share;
  }

  #address(): string {
    if (this.#chance(this.#options.strangers)) {
      const [a, b] = [this.#random.uint32(), this.#random.uint32()];
      return `02:${[a >>> 24, a >>> 16, a >>> 8, a, b].map((n) => (n & 255).toString(16).padStart(2, "0")).join(":")}`;
    }
    return this.#chance(0.05) ? this.#options.ownAddress : `02:00:00:00:00:0${this.#below(8)}`;
  }

  /** Mostly the next one; now and then late, again, after a gap, or anywhere. */
  #number(stream: string): number {
    const last = this.#numbers.get(stream) ?? this.#random.uint32();
    const steps = [1, 1, 1, 1, 1, 2, 3, 0, -1, -2, -63, -64, 70, 4096, 4097, 4098];
    const step = steps[this.#below(steps.length)] ?? 1;
    const number = this.#chance(0.01) ? this.#random.uint32() : (last + step) >>> 0;
    if (step > 0 || this.#chance(0.1)) this.#numbers.set(stream, number);
    return number;
  }

  #whole(): Buffer {
    const from = this.#chance(0.01) ? "01:00:00:00:00:00" : this.#address();
    const about = this.#chance(0.4) ? from : this.#address();
    const number = this.#number(`${from} ${about}`);
    switch (this.#below(8)) {
      case 0:
        return frame(from, elp(about, number, this.#random.uint32() >>> this.#below(32)), {
          destination: this.#chance(0.1) ? this.#options.ownAddress : "ff:ff:ff:ff:ff:ff",
        });
      case 1:
      case 2:
        return frame(
          from,
          this.#aggregate(from, (o, n, tvlvBytes) =>
            ivOgm(o, n, { tvlvBytes, flags: this.#below(256), tq: this.#below(256) }),
          ),
        );
      case 3:
        return frame(
          from,
          this.#aggregate(from, (o, n, tvlvBytes) => ogm2(o, n, { tvlvBytes })),
        );
      case 4:
        return frame(from, broadcast(about, number));
      case 5:
        return frame(from, unicast(about));
      case 6:
        return frame(from, this.#noise(1 + this.#below(1500)), {
          etherType: this.#chance(0.5) ? 0x4305 : this.#below(65536),
        });
      default: {
        const noise = this.#noise(2 + this.#below(100));
        noise.set([this.#below(8) + (this.#chance(0.5) ? 64 : 0), 15]);
        return frame(from, noise);
      }
    }
  }

  #aggregate(from: string, message: (o: string, n: number, tvlvBytes: number) => Buffer): Buffer {
    // More than fit BATADV_MAX_AGGREGATION_BYTES, at times more than the program reads.
    const count = 1 + this.#below(this.#chance(0.05) ? 60 : 8);
    const parts = Array.from({ length: count }, () => {
      const originator = this.#chance(0.3) ? from : this.#address();
      return message(originator, this.#number(`${from} ${originator}`), this.#below(30));
    });
    const whole = Buffer.concat(parts);
    // A length that lies.
    if (this.#chance(0.1)) whole.writeUInt16BE(this.#below(65536), this.#below(whole.length - 1));
    return whole;
  }

  #noise(bytes: number): Buffer {
    return Buffer.from(Array.from({ length: bytes }, () => this.#random.uint32() & 255));
  }

  /** At least an Ethernet header, which is the least that the kernel hands to a program. */
  #cut(whole: Buffer): Buffer {
    return whole.subarray(0, 14 + this.#below(whole.length - 13));
  }

  #flip(whole: Buffer): Buffer {
    const flipped = Buffer.from(whole);
    for (let i = 0; i <= this.#below(4); i++) {
      const at = this.#below(flipped.length);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << this.#below(8));
    }
    return flipped;
  }
}
