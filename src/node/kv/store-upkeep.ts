/** Looking after the store of this member: alarms, hashes, pictures, space. */

import type { Alarm } from "../../api/member-port.ts";
import { type Fault, failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import { encodeCommand, type KvStateMachine } from "../../kvstore/index.ts";
import type { Agreement } from "./agreement.ts";

export interface StoreUpkeepParts {
  readonly agreement: Agreement;
  readonly machine: KvStateMachine;
  readonly defragment: (signal: AbortSignal) => Promise<void>;
}

export class StoreUpkeep {
  readonly #parts: StoreUpkeepParts;
  readonly #life = new AbortController();

  constructor(parts: StoreUpkeepParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#life.abort();
  }

  alarms(): readonly Alarm[] {
    return this.#parts.machine.status().alarms;
  }

  async setAlarm(alarm: Alarm, active: boolean): Promise<Result<readonly Alarm[], Fault>> {
    const command = encodeCommand({ kind: "alarm", active, alarm });
    const agreed = await this.#parts.agreement.propose(command);
    if (!agreed.ok) return agreed;
    if (agreed.value.kind === "refused") return failed(agreed.value.fault);
    return ok(this.alarms());
  }

  async defragment(): Promise<Result<void, Fault>> {
    try {
      await this.#parts.defragment(this.#life.signal);
      return ok(undefined);
    } catch (thrown) {
      return failed(fault("E_DEFRAGMENT", `not defragmented: ${messageOf(thrown)}`));
    }
  }

  hash(revision: number) {
    return this.#parts.machine.hash(revision, this.#life.signal);
  }

  snapshot(signal: AbortSignal) {
    const { chunks } = this.#parts.machine.snapshot(signal);
    return { revision: this.#parts.machine.revision, chunks };
  }
}
