/** Opens LevelDB, also after a power loss that left it in a state it does not open in. */

import { Level } from "level";
import type { Logger } from "../../base/index.ts";
import { isDamage, reasonOf } from "./level-faults.ts";

/** `level` is `classic-level` on Node; its types leave out what it cannot do in a browser. */
const levelDatabase = Level as unknown as { repair(folder: string): Promise<void> };

/**
 * A cut power line may leave LevelDB's list of its files torn, and then it does not open at all. A
 * node that nobody visits must not stay without repairs over its own history: what can be read is
 * put together again. The lock has been tried by then, so no other process is at these files.
 */
export async function openOrRepair(database: Level<string, string>, logger: Logger): Promise<void> {
  try {
    await database.open();
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
    const { location } = database;
    logger.warn("the decision log is damaged and is repaired; decisions may be missing", {
      location,
      reason: reasonOf(thrown),
    });
    await levelDatabase.repair(location);
    await database.open();
  }
}
