/** `meshmend kv txn`: several changes as one, if conditions hold. */

import { type ExitCode, exitCode } from "../exit-code.ts";
import { askStore, complainOfUsage, type StoreOptions } from "../store-client.ts";
import { jsonTransaction, transactionWords } from "../store-words.ts";
import type { Terminal } from "../terminal.ts";
import { readBlocks, readTransaction } from "../transaction-words.ts";
import { readInput } from "./kv.ts";

export interface TxnOptions extends StoreOptions {
  readonly if?: readonly string[];
  readonly then?: readonly string[];
  readonly else?: readonly string[];
}

/** Ends with 1 when the conditions do not hold, so that a script can tell. */
export async function kvTxn(terminal: Terminal, options: TxnOptions): Promise<ExitCode> {
  const isTyped = [options.if, options.then, options.else].some((lines) => lines !== undefined);
  const input = isTyped ? null : await readInput(terminal);
  const typed = isTyped
    ? { conditions: options.if ?? [], success: options.then ?? [], failure: options.else ?? [] }
    : readBlocks(Buffer.from(input ?? []).toString("utf8"));
  const request = readTransaction(typed);
  if (!request.ok) return complainOfUsage(terminal, request.fault);
  const { compare, success, failure } = request.value;
  if (compare.length + success.length + failure.length === 0) {
    return complainOfUsage(terminal, "nothing to do: give --if, --then, --else, or type them");
  }
  return askStore(
    terminal,
    options,
    (client) => client.transaction(request.value),
    (response) => {
      if (options.json === true) terminal.write(`${JSON.stringify(jsonTransaction(response))}\n`);
      else terminal.write(transactionWords(terminal, response));
      return response.succeeded ? exitCode.ok : exitCode.failure;
    },
  );
}
