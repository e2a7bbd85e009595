/**
 * Start in order, stop in reverse, always finish: a part that fails to start brings down those
 * before it, and a part that fails to stop does not keep the others from stopping.
 */

import { type Fault, type Logger, messageOf, ok, type Result } from "../base/index.ts";

export interface LifeCyclePart {
  readonly name: string;
  start(): Promise<Result<unknown, Fault>>;
  stop(): Promise<void>;
}

export async function startInOrder(
  parts: readonly LifeCyclePart[],
  logger: Logger,
): Promise<Result<{ stop(): Promise<void> }, Fault>> {
  const started: LifeCyclePart[] = [];
  const stop = async () => {
    for (let part = started.pop(); part !== undefined; part = started.pop()) {
      try {
        await part.stop();
      } catch (thrown) {
        logger.error("a part did not stop cleanly", { part: part.name, error: messageOf(thrown) });
      }
    }
  };
  for (const part of parts) {
    const result = await part.start();
    if (!result.ok) {
      await stop();
      return result;
    }
    started.push(part);
  }
  return ok({ stop });
}
