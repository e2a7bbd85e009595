/** Carries out "tell": one line in the log, at the level of its severity. It touches nothing else. */

import { type Fault, failed, fault, type Logger, ok, type Result } from "../../base/index.ts";
import type { Action, HandledKind } from "../action.ts";
import type { Actuator, ActuatorFaultCode } from "../execute/actuator.ts";

export class TellActuator implements Actuator {
  readonly kinds: readonly HandledKind[] = ["tell"];
  readonly #logger: Logger;

  constructor(parts: { readonly logger: Logger }) {
    this.#logger = parts.logger;
  }

  apply(action: Action): Promise<Result<void, Fault<ActuatorFaultCode>>> {
    if (action.kind !== "tell") {
      const message = `telling does not carry out ${action.kind}`;
      return Promise.resolve(failed(fault("E_NO_CAPABILITY", message)));
    }
    const fields = { severity: action.severity };
    if (action.severity === "critical") this.#logger.error(action.message, fields);
    else if (action.severity === "warning") this.#logger.warn(action.message, fields);
    else this.#logger.info(action.message, fields);
    return Promise.resolve(ok(undefined));
  }
}
