/** Transactions that only read: they need no log entry, and may look at any published revision. */

import { failed, ok, type Result } from "../base/index.ts";
import { branchOf, checkAgainstState } from "./apply-command.ts";
import { chosenPaths, type Path } from "./compare.ts";
import type { KvFault } from "./fault.ts";
import { finishRange, planRange, type View } from "./range.ts";
import type { Operation, TransactionReply, TransactionRequest } from "./request.ts";

export function isReadOnly({ success, failure }: TransactionRequest): boolean {
  const reads = (operation: Operation): boolean =>
    operation.kind === "range" || (operation.kind === "transaction" && isReadOnly(operation));
  return success.every(reads) && failure.every(reads);
}

/** `request` is checked and read-only, and the values it needs are at hand. */
export function readTransaction(
  view: View,
  request: TransactionRequest,
): Result<TransactionReply, KvFault> {
  const path = chosenPaths(view, request);
  const objection = checkAgainstState(view, request, path);
  return objection === null ? ok(answer(view, request, path)) : failed(objection);
}

function answer(view: View, request: TransactionRequest, path: Path): TransactionReply {
  let nested = 0;
  const replies = branchOf(request, path).map((operation) => {
    if (operation.kind === "transaction") {
      return answer(view, operation, path.nested[nested++] as Path);
    }
    const plan = operation.kind === "range" ? planRange(view, operation) : null;
    if (plan?.ok !== true) throw new Error("broken invariant: expected a checked range");
    return finishRange(plan.value, view.readValue);
  });
  const { revision } = view;
  return { kind: "transaction", revision, succeeded: path.succeeded, replies };
}
