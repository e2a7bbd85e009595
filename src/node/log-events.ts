/** Says in the log, in plain words, what the loop finds, decides and does. */

import { type Logger, unreachable } from "../base/index.ts";
import { type Decision, describeAction, type LoopEvent } from "../mape-k/index.ts";

export function logEvent(logger: Logger, event: LoopEvent): void {
  switch (event.kind) {
    case "symptom-raised": {
      const { kind, subject, severity, summary } = event.symptom;
      logger.warn(`symptom: ${summary}`, { symptom: kind, subject, severity });
      break;
    }
    case "symptom-cleared": {
      const { kind, subject } = event.symptom;
      const seconds = Math.round(event.lastedMs / 1000);
      logger.info(`cleared: ${kind} of ${subject}`, { symptom: kind, subject, seconds });
      break;
    }
    case "decision-made":
      logMade(logger, event.decision);
      break;
    case "decision-changed": {
      const { id, phase, timeline } = event.decision;
      logger.info(`repair ${phase}: ${timeline.at(-1)?.what}`, { decision: id });
      break;
    }
    case "verdict": {
      const { id, verdict } = event.decision;
      const fields = { decision: id, outcome: verdict?.outcome, tookMs: verdict?.tookMs };
      const message = `verdict: ${verdict?.outcome}: ${verdict?.reason}`;
      const good = verdict?.outcome === "healed" || verdict?.outcome === "told";
      if (good) logger.info(message, fields);
      else logger.warn(message, fields);
      break;
    }
    case "peer-appeared": {
      const { nodeId, originator, addresses } = event.peer;
      logger.info(`peer: ${nodeId} runs meshmend`, { peer: nodeId, originator, addresses });
      break;
    }
    case "peer-gone": {
      const how = event.reason === "goodbye" ? "has stopped" : "is not heard any more";
      logger.info(`peer gone: ${event.peer.nodeId} ${how}`, { peer: event.peer.nodeId });
      break;
    }
    default:
      unreachable(event);
  }
}

function logMade(logger: Logger, { id, admission, plan }: Decision): void {
  const actions = plan.actions.map(describeAction).join("; ");
  switch (admission.kind) {
    case "observed":
      logger.info(`plan (not carried out, mode observe): ${actions}`, { decision: id });
      break;
    case "admitted":
      logger.info(`plan: ${actions}`, { decision: id });
      break;
    case "awaiting-confirmation": {
      const how = `meshmend confirm ${id}`;
      logger.warn(`plan, waiting for a person: ${actions}`, { decision: id, how });
      break;
    }
    case "refused": {
      const { code, reason } = admission;
      logger.warn(`plan refused: ${actions}: ${reason}`, { decision: id, code });
      break;
    }
    default:
      unreachable(admission);
  }
}
