/** The store that the simulation runs: production's. */

import * as core from "../../../src/kvstore/index.ts";
import { MemoryStorage } from "../../../src/kvstore/io/memory-storage.ts";
import type { StoreCode } from "./simulated-store.ts";

export const productionStore: StoreCode = { ...core, MemoryStorage };
