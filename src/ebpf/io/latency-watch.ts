/** Runs latency.bpf.c: loads it, attaches its four tracepoints, reads histograms and drop reasons. */

import path from "node:path";
import { failed, fault, type Logger, ok, type Result } from "../../base/index.ts";
import {
  type DropReading,
  decodeDrops,
  decodeLatencies,
  decodeTotals,
  type LatencyReading,
} from "../index.ts";
import type { LinkHandle, Native, ObjectHandle } from "./native-contract.ts";
import { type EbpfFault, nativeFault } from "./native-fault.ts";

const programs = ["meshmend_queue", "meshmend_xmit", "meshmend_drop", "meshmend_resend"] as const;

export interface QueueReading {
  readonly interfaces: readonly LatencyReading[];
  readonly drops: readonly DropReading[];
  readonly tcpRetransmits: number;
  /** Drops that found their table full. */
  readonly dropsUncounted: number;
}

export class LatencyWatch {
  readonly #native: Native;
  readonly #logger: Logger;
  readonly #folder: string;
  #object: ObjectHandle | null = null;
  #links: readonly LinkHandle[] = [];
  #reasons: Readonly<Record<string, number>> = {};

  /** `folder` holds latency.bpf.o. */
  constructor(
    parts: { readonly native: Native; readonly logger: Logger },
    options: { readonly folder: string },
  ) {
    this.#native = parts.native;
    this.#logger = parts.logger;
    this.#folder = options.folder;
  }

  async start(): Promise<Result<void, EbpfFault>> {
    const file = path.join(this.#folder, "latency.bpf.o");
    const loaded = await this.#native.load(file, programs);
    if (!loaded.ok) return failed(nativeFault(loaded.error, `loading ${file}`));
    this.#object = loaded.value.object;
    for (const program of programs) {
      const link = this.#native.attachTracing(this.#object, program);
      if (!link.ok) {
        await this.stop();
        return failed(nativeFault(link.error, `attaching ${program}`));
      }
      this.#links = [...this.#links, link.value];
    }
    const reasons = this.#native.enumNames("skb_drop_reason");
    if (reasons.ok) this.#reasons = reasons.value;
    else this.#logger.info("drop reasons will be numbers", { reason: reasons.error.message });
    return ok(undefined);
  }

  read(): Result<QueueReading, EbpfFault> {
    if (this.#object === null) {
      return failed(fault("E_NOT_RUNNING", "the kernel programs are not loaded"));
    }
    const latencies = this.#native.mapRead(this.#object, "latencies");
    if (!latencies.ok) return failed(nativeFault(latencies.error, "reading latencies"));
    const drops = this.#native.mapRead(this.#object, "drops");
    if (!drops.ok) return failed(nativeFault(drops.error, "reading drops"));
    const totals = this.#native.mapRead(this.#object, "totals");
    if (!totals.ok) return failed(nativeFault(totals.error, "reading totals"));
    const sums = decodeTotals(totals.value);
    return ok({
      interfaces: decodeLatencies(latencies.value),
      drops: decodeDrops(drops.value, this.#reasons),
      tcpRetransmits: sums["tcp-retransmits"],
      dropsUncounted: sums["drops-uncounted"],
    });
  }

  /** Never throws; may be called twice. */
  async stop(): Promise<void> {
    for (const link of this.#links) this.#native.detach(link);
    this.#links = [];
    if (this.#object !== null) this.#native.close(this.#object);
    this.#object = null;
  }
}
