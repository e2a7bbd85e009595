/** Where the store is kept: on LevelDB, or in memory for simulations. */

export { discardLevelStorage, openLevelStorage } from "./level-storage.ts";
export { MemoryStorage } from "./memory-storage.ts";
