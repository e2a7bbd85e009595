/** The real store in memory, each command an entry of its own: agreed on as soon as it is asked for. */

import { failed, ok, type Result, silentLogger } from "../../src/base/index.ts";
import {
  type Command,
  checkCommand,
  defaultKvOptions,
  encodeCommand,
  KvStateMachine,
  type Reply,
} from "../../src/kvstore/index.ts";
import { MemoryStorage } from "../../src/kvstore/io/index.ts";
import { realClock } from "./real-clock.ts";

type ReplyOf<Kind> = Extract<Reply, { readonly kind: Kind }>;

export async function loneStore() {
  const parts = { storage: new MemoryStorage(), clock: realClock, logger: silentLogger };
  const machine = new KvStateMachine(parts, defaultKvOptions);
  const started = await machine.start();
  if (!started.ok) throw new Error(started.fault.message);
  let last = Promise.resolve();
  async function change<Kind extends Command["kind"]>(
    command: Command & { readonly kind: Kind },
  ): Promise<Result<ReplyOf<Kind>>> {
    const objection = checkCommand(command);
    if (objection !== null) return failed(objection);
    const applied = last.then(() => {
      const index = machine.applied().index + 1;
      const entry = { index, term: 1, kind: "command", command: encodeCommand(command) } as const;
      return machine.apply([entry]);
    });
    last = applied.then(() => {});
    const [reply] = await applied;
    if (reply?.kind === "refused") return failed(reply.fault);
    return ok(reply as ReplyOf<Kind>);
  }
  return {
    machine,
    range: (request: Parameters<KvStateMachine["range"]>[0]) => machine.range(request),
    put: (request: Extract<Command, { kind: "put" }>) => change(request),
    deleteRange: (request: Extract<Command, { kind: "delete-range" }>) => change(request),
    transaction: (request: Extract<Command, { kind: "transaction" }>) => change(request),
    compact: (revision: number) => change({ kind: "compact", revision }),
    watch: (request: Parameters<KvStateMachine["watch"]>[0]) => machine.watch(request),
  };
}
