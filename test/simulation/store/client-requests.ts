/** What simulated clients ask for: few keys, so that they meet. */

import {
  deleteRangeRequest,
  putRequest,
  type RangeRequest,
  rangeRequest,
  type TransactionRequest,
} from "../../../src/kvstore/index.ts";
import type { NaiveStore } from "../../support/naive-store.ts";
import type { Chance } from "../chance.ts";
import type { StoreRequest } from "./store-model.ts";

const keyOf = (chance: Chance) => `k${chance.below(4)}`;
const letterOf = (chance: Chance) => new Uint8Array([0x61 + chance.below(26)]);
const allKeys = { key: "k", rangeEnd: "l" };

export function drawWrite(chance: Chance, { revision }: NaiveStore): StoreRequest {
  const roll = chance.ratio();
  const key = keyOf(chance);
  if (roll < 0.5) return putRequest({ key, value: letterOf(chance), prevKv: chance.happens(0.3) });
  if (roll < 0.62) return deleteRangeRequest({ key, prevKv: chance.happens(0.5) });
  if (roll < 0.66) return deleteRangeRequest({ ...allKeys, prevKv: true });
  if (roll < 0.72) return { kind: "compact", revision: Math.max(1, revision - chance.below(12)) };
  return drawSwap(chance, key, revision);
}

function drawSwap(chance: Chance, key: string, revision: number): TransactionRequest {
  const operand = Math.max(0, revision - chance.below(8));
  const compare = { key, rangeEnd: "", result: "less", target: "mod", operand } as const;
  const byValue = {
    key,
    rangeEnd: "",
    result: "greater",
    target: "value",
    operand: letterOf(chance),
  } as const;
  const puts = [putRequest({ key, value: letterOf(chance) })];
  const other = `k${(Number(key[1]) + 1) % 4}`;
  return {
    kind: "transaction",
    compare: [chance.happens(0.5) ? compare : byValue],
    success: [...puts, putRequest({ key: other, value: letterOf(chance) })],
    failure: [rangeRequest(allKeys), deleteRangeRequest({ key })],
  };
}

export function drawRead(chance: Chance, { revision }: NaiveStore): RangeRequest {
  const past = chance.happens(0.3) ? Math.max(1, revision - chance.below(10)) : 0;
  if (chance.happens(0.5)) return rangeRequest({ key: keyOf(chance), revision: past });
  return rangeRequest({ ...allKeys, revision: past });
}
