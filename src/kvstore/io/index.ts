/** Where the store is kept: on LevelDB, or in memory for simulations. */

export {
  defaultLevelStorageOptions,
  discardLevelStorage,
  type LevelStorage,
  type LevelStorageOptions,
  openLevelStorage,
} from "./level-storage.ts";
export { MemoryStorage } from "./memory-storage.ts";
