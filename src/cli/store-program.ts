/** The command tree of the store: `kv` and `snapshot`. */

import { type Command, Option } from "commander";
import type { ExitCode } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export interface StoreProgramParts {
  readonly terminal: Terminal;
  /** Told each command's exit code; `kv lock` ends as the command it ran. */
  readonly finish: (code: ExitCode | number) => void;
  readonly withExamples: (command: Command, examples: readonly string[]) => Command;
  readonly wholeNumber: (from: number, to: number) => (text: string) => number;
  /** Those of `run`. */
  readonly configOptions: () => readonly Option[];
}

const maxRevision = 999_999_999;

const grpcOption = () =>
  new Option(
    "--grpc <host:port>",
    "the store's address (else MESHMEND_GRPC, the configuration's, 127.0.0.1:8481)",
  );
const jsonOption = () => new Option("--json", "print JSON");
const prefixOption = () => new Option("-p, --prefix", "all keys that begin with KEY");
const fromKeyOption = () => new Option("--from-key", "all keys from KEY on");

/** Of commands whose flag may be given several times. */
const gathered = (line: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  line,
];

export function addStore(program: Command, parts: StoreProgramParts): void {
  const kv = program
    .command("kv")
    .description("The agreed map: keys that every member of the group has alike.");
  const sub = (parent: Command, name: string, description: string) =>
    parent.command(name).description(description).addOption(grpcOption()).addOption(jsonOption());
  addKeys(kv, parts, sub);
  addWatchAndTransaction(kv, parts, sub);
  addLeases(kv, parts, sub);
  addLock(kv, parts, sub);
  parts.withExamples(kv, ["meshmend kv put greeting hello", "meshmend kv get --prefix /config/"]);
  addSnapshots(program, parts, sub);
}

type Sub = (parent: Command, name: string, description: string) => Command;

function addKeys(kv: Command, parts: StoreProgramParts, sub: Sub): void {
  const { terminal, finish, withExamples, wholeNumber } = parts;
  const commands = () => import("./commands/kv.ts");
  const get = sub(kv, "get", "Read a key, or a range of keys. Ends with 4 when there is none.")
    .argument("[key]", "the key")
    .argument("[end]", "the first key behind the range")
    .addOption(prefixOption())
    .addOption(fromKeyOption())
    .option("-n, --limit <number>", "at most this many", wholeNumber(1, 1_000_000))
    .option("--rev <revision>", "as it was at this revision", wholeNumber(1, maxRevision))
    .addOption(
      new Option("--sort-by <what>", "order").choices([
        "key",
        "version",
        "created",
        "changed",
        "value",
      ]),
    )
    .option("--descending", "the last first")
    .option("--keys-only", "only the keys, one a line")
    .option("--count", "only how many there are")
    .option("--raw", "only the values, byte for byte")
    .option("--stale", "from this member's memory, without asking the others")
    .action(
      async (
        key: string | undefined,
        end: string | undefined,
        options: import("./commands/kv.ts").GetOptions,
      ) => finish(await (await commands()).kvGet(terminal, key, end, options)),
    );
  withExamples(get, [
    "meshmend kv get greeting",
    "meshmend kv get --prefix /config/ --json",
    "meshmend kv get greeting --rev 7",
    "meshmend kv get --prefix '' --count",
  ]);
  const put = sub(kv, "put", "Write a key. Without a value, it is read from standard input.")
    .argument("<key>", "the key")
    .argument("[value]", "the value")
    .option("--lease <id>", "delete it when this lease ends")
    .action(
      async (
        key: string,
        value: string | undefined,
        options: import("./commands/kv.ts").PutOptions,
      ) => finish(await (await commands()).kvPut(terminal, key, value, options)),
    );
  withExamples(put, ["meshmend kv put greeting hello", "meshmend kv put /config/wifi < wifi.json"]);
  const del = sub(kv, "del", "Delete a key, or a range. Ends with 4 when there was no such key.")
    .argument("[key]", "the key")
    .argument("[end]", "the first key behind the range")
    .addOption(prefixOption())
    .addOption(fromKeyOption())
    .action(
      async (
        key: string | undefined,
        end: string | undefined,
        options: import("./commands/kv.ts").RangeOptions,
      ) => finish(await (await commands()).kvDelete(terminal, key, end, options)),
    );
  withExamples(del, ["meshmend kv del greeting", "meshmend kv del --prefix /config/old/"]);
}

function addWatchAndTransaction(kv: Command, parts: StoreProgramParts, sub: Sub): void {
  const { terminal, finish, withExamples, wholeNumber } = parts;
  const watch = sub(kv, "watch", "Follow what happens to a key, or a range, until Ctrl-C.")
    .argument("[key]", "the key")
    .argument("[end]", "the first key behind the range")
    .addOption(prefixOption())
    .addOption(fromKeyOption())
    .option("--rev <revision>", "begin with this revision", wholeNumber(1, maxRevision))
    .option("--previous", "tell what was there before, too")
    .option("--events <number>", "end after so many events", wholeNumber(1, 1_000_000))
    .action(
      async (
        key: string | undefined,
        end: string | undefined,
        options: import("./commands/kv-watch.ts").WatchOptions,
      ) => {
        const { kvWatch } = await import("./commands/kv-watch.ts");
        finish(await kvWatch(terminal, key, end, options));
      },
    );
  withExamples(watch, [
    "meshmend kv watch --prefix /config/",
    "meshmend kv watch greeting --rev 1 --json",
  ]);
  const txn = sub(kv, "txn", "Change several keys as one, if conditions hold; else ends with 1.")
    .option("--if <condition>", 'such as mod("key") = "0"; may be repeated', gathered)
    .option("--then <operation>", "put KEY VALUE, get KEY or del KEY; may be repeated", gathered)
    .option("--else <operation>", "what to do when a condition does not hold", gathered)
    .action(async (options: import("./commands/kv-txn.ts").TxnOptions) => {
      const { kvTxn } = await import("./commands/kv-txn.ts");
      finish(await kvTxn(terminal, options));
    });
  withExamples(txn, [
    "meshmend kv txn --if 'version(\"a\") = 0' --then 'put a 1' --else 'get a'",
    "meshmend kv txn < transaction.txt   (as etcdctl txn: three blocks with empty lines between)",
  ]);
}

function addLeases(kv: Command, parts: StoreProgramParts, sub: Sub): void {
  const { terminal, finish, withExamples, wholeNumber } = parts;
  type Options = import("./store-client.ts").StoreOptions;
  const commands = () => import("./commands/kv-lease.ts");
  const lease = kv
    .command("lease")
    .description("Leases: keys that hang on one are deleted when it ends.");
  const grant = sub(lease, "grant", "A new lease.")
    .argument("<seconds>", "how long it lasts unless it is kept", wholeNumber(1, maxRevision))
    .action(async (seconds: number, options: Options) => {
      finish(await (await commands()).leaseGrant(terminal, seconds, options));
    });
  withExamples(grant, ["meshmend kv lease grant 60"]);
  const id = "its id, as grant has shown it";
  const keep = sub(lease, "keep-alive", "Renew a lease until Ctrl-C.")
    .argument("<id>", id)
    .option("--once", "renew it once")
    .action(async (name: string, options: Options & { readonly once?: boolean }) => {
      finish(await (await commands()).leaseKeepAlive(terminal, name, options));
    });
  withExamples(keep, ["meshmend kv lease keep-alive 32695410dcc0ca06"]);
  const revoke = sub(lease, "revoke", "End a lease now, and delete its keys.")
    .argument("<id>", id)
    .action(async (name: string, options: Options) => {
      finish(await (await commands()).leaseRevoke(terminal, name, options));
    });
  withExamples(revoke, ["meshmend kv lease revoke 32695410dcc0ca06"]);
  const show = sub(lease, "show", "What is left of a lease, and which keys hang on it.")
    .argument("<id>", id)
    .action(async (name: string, options: Options) => {
      finish(await (await commands()).leaseShow(terminal, name, options));
    });
  withExamples(show, ["meshmend kv lease show 32695410dcc0ca06"]);
  const list = sub(lease, "list", "All leases there are.").action(async (options: Options) => {
    finish(await (await commands()).leaseList(terminal, options));
  });
  withExamples(list, ["meshmend kv lease list"]);
  withExamples(lease, ["meshmend kv lease grant 60", "meshmend kv lease list"]);
}

function addLock(kv: Command, parts: StoreProgramParts, sub: Sub): void {
  const { terminal, finish, withExamples, wholeNumber } = parts;
  const lock = sub(kv, "lock", "Hold a lock while a command runs, or until Ctrl-C.")
    .argument("<name>", "the lock")
    .argument("[command...]", "finds MESHMEND_LOCK_KEY and MESHMEND_LOCK_REVISION, a fencing token")
    .option(
      "--ttl <seconds>",
      "how soon it is free if this machine dies",
      wholeNumber(2, 3_600),
      10,
    )
    .passThroughOptions()
    .action(
      async (
        name: string,
        command: readonly string[],
        options: import("./commands/kv-lock.ts").LockOptions,
      ) => {
        const { kvLock } = await import("./commands/kv-lock.ts");
        finish(await kvLock(terminal, name, command, options));
      },
    );
  withExamples(lock, ["meshmend kv lock backup ./backup.sh --full", "meshmend kv lock upgrade"]);
}

function addSnapshots(program: Command, parts: StoreProgramParts, sub: Sub): void {
  const { terminal, finish, withExamples, configOptions } = parts;
  const commands = () => import("./commands/snapshot.ts");
  const snapshot = program
    .command("snapshot")
    .description("The whole store as one file: to keep, and to begin a new group with.");
  const save = sub(snapshot, "save", "Save the store of the member that is asked.")
    .argument("<file>", "where to; replaced once the new one is whole")
    .action(async (file: string, options: import("./store-client.ts").StoreOptions) => {
      finish(await (await commands()).snapshotSave(terminal, file, options));
    });
  withExamples(save, ["meshmend snapshot save store.snapshot"]);
  const status = snapshot
    .command("status")
    .description("Read all of a saved snapshot, check it, and say what is in it.")
    .argument("<file>", "the snapshot")
    .addOption(jsonOption())
    .action(async (file: string, options: { readonly json?: boolean }) => {
      finish(await (await commands()).snapshotStatusOf(terminal, file, options));
    });
  withExamples(status, ["meshmend snapshot status store.snapshot --json"]);
  const restore = snapshot
    .command("restore")
    .description("Begin a new group of one with a snapshot, in a data directory that holds none.")
    .argument("<file>", "the snapshot")
    .addOption(jsonOption());
  for (const option of configOptions()) restore.addOption(option);
  restore.action(async (file: string, options: import("./commands/snapshot.ts").RestoreOptions) => {
    finish(await (await commands()).snapshotRestore(terminal, file, options));
  });
  withExamples(restore, ["meshmend snapshot restore store.snapshot --data-dir /var/lib/meshmend"]);
  withExamples(snapshot, ["meshmend snapshot save store.snapshot"]);
}
