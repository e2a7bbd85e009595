/** Lets the loop hand leadership of the group to another member. */

import { type Fault, failed, fault, type NodeId, ok, type Result } from "../../base/index.ts";
import type { Action, Actuator, ActuatorFaultCode } from "../../mape-k/index.ts";

export interface TransferPort {
  transfer(target: NodeId | null, signal: AbortSignal): Promise<Result<void>>;
}

export class LeadershipActuator implements Actuator {
  readonly kinds = ["transfer-leadership"] as const;
  readonly #group: TransferPort;

  constructor(parts: { readonly group: TransferPort }) {
    this.#group = parts.group;
  }

  async apply(
    action: Action,
    signal: AbortSignal,
  ): Promise<Result<void, Fault<ActuatorFaultCode>>> {
    if (action.kind !== "transfer-leadership") {
      return failed(fault("E_ACTION_FAILED", `${action.kind} is no business of the group's`));
    }
    const handed = await this.#group.transfer(action.target as NodeId | null, signal);
    if (handed.ok) return ok(undefined);
    const { code, message } = handed.fault;
    return failed(fault("E_ACTION_FAILED", `${message} [${code}]`));
  }
}
