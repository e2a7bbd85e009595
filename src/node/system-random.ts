/** The machine's own chance behind base's Random; good enough for secrets, too. */

import { randomBytes } from "node:crypto";
import type { Random } from "../base/index.ts";

export const systemRandom: Random = { uint32: () => randomBytes(4).readUInt32LE() };
