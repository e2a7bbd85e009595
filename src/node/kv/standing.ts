/**
 * Where the group and the store stand, looked up once per turn of the event loop: every answer
 * carries term and revision, and the full status is too dear to be taken for each.
 */

import type { KvStateMachine, KvStatus } from "../../kvstore/index.ts";
import type { Agreement, AgreementStatus } from "./agreement.ts";

export class Standing {
  readonly #parts: { readonly agreement: Agreement; readonly machine: KvStateMachine };
  #status: AgreementStatus | null = null;
  #planned = false;

  constructor(parts: { readonly agreement: Agreement; readonly machine: KvStateMachine }) {
    this.#parts = parts;
  }

  get agreement(): AgreementStatus | null {
    this.#status ??= this.#parts.agreement.status();
    if (!this.#planned) {
      this.#planned = true;
      setImmediate(() => {
        this.#planned = false;
        this.#status = null;
      });
    }
    return this.#status;
  }

  get store(): KvStatus {
    return this.#parts.machine.status();
  }

  get revision(): number {
    return this.#parts.machine.revision;
  }
}
