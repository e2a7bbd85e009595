/** The store of this node on its disk: opened before it is driven, closed when nobody drives it. */

import { join } from "node:path";
import { type Clock, failed, type Logger, ok, type Result } from "../../base/index.ts";
import { defaultKvOptions, KvStateMachine } from "../../kvstore/index.ts";
import { openLevelStorage } from "../../kvstore/io/index.ts";
import { SerialMachine } from "./serial-machine.ts";

export interface NodeStore {
  readonly machine: KvStateMachine;
  /** As the driver takes it. */
  readonly serial: SerialMachine;
  /** After the driver has stopped. */
  stop(): Promise<void>;
}

/** In `kv/` of the data directory. Faults: E_DATA_DIR_IN_USE, E_STORAGE_OPEN, E_STORE_DAMAGED. */
export async function openNodeStore(
  dataDir: string,
  parts: { readonly clock: Clock; readonly logger: Logger },
): Promise<Result<NodeStore>> {
  const opened = await openLevelStorage(join(dataDir, "kv"));
  if (!opened.ok) return opened;
  const storage = opened.value;
  const machine = new KvStateMachine({ ...parts, storage }, defaultKvOptions);
  const read = await machine.start();
  if (!read.ok) {
    await storage.stop();
    return failed(read.fault);
  }
  return ok({
    machine,
    serial: new SerialMachine({ machine }),
    async stop() {
      await machine.stop();
      await storage.stop();
    },
  });
}
