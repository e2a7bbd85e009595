/**
 * The same etcdctl commands against a real etcd and against a member of ours: what they print, on
 * both channels, and how they exit must be the same but for ids, addresses and times.
 */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KvNode, startKvNode } from "../../support/kv-node.ts";
import {
  type EtcdProcess,
  missingEtcd,
  type RunningCommand,
  runEtcdctl,
  startEtcd,
  startEtcdctl,
} from "./etcd-process.ts";
import { comparable } from "./same-output.ts";

const missing = missingEtcd();
const folder = mkdtempSync(join(tmpdir(), "meshmend-etcdctl-"));
let oracle: EtcdProcess;
let ours: KvNode;
const endpoints = () => [oracle.endpoint, ours.endpoint] as const;

beforeAll(async () => {
  if (missing !== null) return;
  oracle = await startEtcd();
  ours = await startKvNode({
    folder: join(folder, "ours"),
    id: "a",
    peerPort: null,
    clientPort: 0,
    founders: [{ id: "a", address: "127.0.0.1:1" }],
  });
  for (const endpoint of endpoints()) await runEtcdctl(endpoint, ["get", "x"]);
});

afterAll(async () => {
  await ours?.stop();
  await oracle?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command on both and says that they answered alike. */
async function same(args: readonly string[], input = "") {
  const [theirs, mine] = await Promise.all(
    endpoints().map((endpoint) => runEtcdctl(endpoint, args, input)),
  );
  if (theirs === undefined || mine === undefined) throw new Error("two were asked");
  expect({ args, ...comparable(mine) }).toEqual({ args, ...comparable(theirs) });
  return { theirs, mine };
}

const script = (text: string): string[][] =>
  text
    .trim()
    .split("\n")
    .map((line) =>
      [...line.trim().matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? "",
      ),
    );

async function sameScript(text: string) {
  for (const args of script(text)) await same(args);
}

const json = (text: string) => JSON.parse(text.replace(/:(\d{15,})/g, ':"$1"'));

describe.skipIf(missing !== null)("etcdctl", () => {
  it("puts, gets and deletes", () =>
    sameScript(`
      put a 1
      put a 2 --prev-kv
      get a
      get a -w json
      get a -w fields
      get a -w protobuf --print-value-only
      get nothing
      get nothing -w json
      put empty ""
      get empty -w json
      put "with space" "and more"
      get "with space"
      del a --prev-kv -w json
      del a
      del a -w json
      put "" value
      get ""
      put keep first
      put keep --ignore-value
      put keep second --ignore-value
      put nowhere --ignore-value
      put keep third --ignore-lease
      put nowhere x --ignore-lease
    `));

  it("gets ranges, prefixes, limits and orders", async () => {
    for (const [key, value] of [
      ["r/1", "c"],
      ["r/2", "a"],
      ["r/3", "b"],
      ["r/4", "b"],
      ["r", "outside"],
      ["s", "outside"],
    ] as const) {
      await same(["put", key, value]);
    }
    await sameScript(`
      put r/2 aa
      get r/ --prefix
      get r/ --prefix -w json
      get r/ --prefix --limit 2 -w json
      get r/ --prefix --limit 2 --order DESCEND
      get r/ --prefix --keys-only
      get r/ --prefix --order DESCEND
      get r/ --prefix --sort-by VALUE
      get r/ --prefix --sort-by VALUE --order DESCEND -w json
      get r/ --prefix --sort-by MODIFY --order ASCEND
      get r/ --prefix --sort-by CREATE --order DESCEND
      get r/ --prefix --sort-by VERSION --order DESCEND -w json
      get r/2 r/4
      get r/4 r/2
      get r/3 --from-key --limit 2
      get "" --prefix --keys-only
      get "" --from-key --keys-only
      get r/ --prefix --consistency s
      del r/ --prefix --prev-kv
      get r/ --prefix -w json
    `);
  });

  it("reads the past, and is told when it is compacted or still to come", async () => {
    const { theirs } = await same(["put", "past", "1", "-w", "json"]);
    const { revision } = json(theirs.out).header;
    await sameScript(`
      put past 2
      del past
      put past 3
      get past --rev ${revision} -w json
      get past --rev ${revision + 1} -w json
      get past --rev ${revision + 2} -w json
      get past --rev ${revision + 1000}
      compaction ${revision + 1}
      get past --rev ${revision}
      get past --rev ${revision + 1} -w json
      compaction ${revision}
      compaction ${revision + 1000}
      compaction ${revision + 2} --physical
      get past -w json
    `);
  });

  it("does transactions", async () => {
    const txn = (compare: string, success: string, failure: string) =>
      [compare, "", success, "", failure, "", ""].join("\n");
    await same(["put", "t1", "one"]);
    for (const input of [
      txn('value("t1") = "one"', "put t1 two", "get t1"),
      txn('value("t1") = "one"', "put t1 three", "get t1"),
      txn('mod("t1") > "1"\nversion("t1") = "2"', "put t2 x\nget t1\ndel t3", ""),
      txn('create("nothing") = "0"', "put nothing here", "get nothing"),
      txn('version("t1") != "2"', "get t1", "get t2"),
      txn('value("nothing-at-all") = ""', "get t1", "get t2"),
      txn("", "put t4 1\nput t4 2", ""),
      txn("", "put t5 1\ndel t5", ""),
      txn("", "put t6 1\nget t6", ""),
      txn("", "get t1\nget t2", ""),
      txn("", "del t --prefix", ""),
    ]) {
      await same(["txn", "-w", "json"], input);
    }
    const many = Array.from({ length: 129 }, (_, i) => `put many/${i} x`).join("\n");
    await same(["txn"], txn("", many, ""));
    const most = Array.from({ length: 128 }, (_, i) => `put many/${i} x`).join("\n");
    await same(["txn"], txn("", most, ""));
  });

  it("refuses what is too large in the same words", async () => {
    await same(["put", "large"], "x".repeat(1_600_000));
    await same(["put", "huge"], "x".repeat(2_300_000));
    await same(["put", "not-so-large"], "x".repeat(1_000_000));
    await same(["get", "not-so-large"]);
    await same(["del", "not-so-large"]);
  });

  it("grants, shows, renews and revokes leases", async () => {
    await sameScript(`
      lease grant 0
      lease grant 100 -w json
      lease grant 99999999999
      lease revoke 1234
      lease timetolive 1234
      lease timetolive 1234 -w json
      lease keep-alive 1234 --once
      put leased x --lease=1234
    `);
    const leases = await Promise.all(
      endpoints().map(async (endpoint) => {
        const { out } = await runEtcdctl(endpoint, ["lease", "grant", "60"]);
        return /lease ([0-9a-f]+) granted/.exec(out)?.[1] ?? "";
      }),
    );
    const each = async (args: (id: string) => readonly string[]) => {
      const [theirs, mine] = await Promise.all(
        endpoints().map((endpoint, i) => runEtcdctl(endpoint, args(leases[i] ?? ""))),
      );
      if (theirs === undefined || mine === undefined) throw new Error("two were asked");
      expect(comparable(mine)).toEqual(comparable(theirs));
    };
    await each((id) => ["put", "leased", "x", `--lease=${id}`]);
    await each((id) => ["put", "leased/2", "y", `--lease=${id}`, "-w", "json"]);
    await each(() => ["get", "leased", "-w", "json"]);
    await each((id) => ["lease", "timetolive", id, "--keys"]);
    await each((id) => ["lease", "keep-alive", id, "--once"]);
    await each((id) => ["lease", "revoke", id]);
    await each(() => ["get", "leased", "-w", "json"]);
    await each((id) => ["lease", "timetolive", id]);
  });

  it("lets a lease end, and its keys with it", async () => {
    await Promise.all(
      endpoints().map(async (endpoint) => {
        const { out } = await runEtcdctl(endpoint, ["lease", "grant", "2"]);
        const id = /lease ([0-9a-f]+) granted/.exec(out)?.[1];
        await runEtcdctl(endpoint, ["put", "short", "lived", `--lease=${id}`]);
        expect((await runEtcdctl(endpoint, ["get", "short"])).out).toBe("short\nlived\n");
      }),
    );
    await delay(4_500);
    await same(["get", "short", "-w", "json"]);
  });

  it("watches what was and what comes", async () => {
    const { theirs } = await same(["put", "w/1", "past", "-w", "json"]);
    const { revision } = json(theirs.out).header;
    const both = (args: readonly string[]) =>
      endpoints().map((endpoint) => startEtcdctl(endpoint, args));
    const watches: RunningCommand[][] = [
      both(["watch", "w/", "--prefix", "--rev", String(revision), "--prev-kv"]),
      both(["watch", "w/1"]),
      both(["watch", "w/1", "w/3", "-w", "json"]),
      both(["watch", "w/", "--prefix", "--rev", "1"]),
    ];
    await delay(500);
    await sameScript(`
      put w/1 now
      put w/2 more
      del w/1
      del w/ --prefix
    `);
    await delay(500);
    for (const pair of watches) {
      const outcomes = await Promise.all(
        pair.map((watch) => {
          watch.interrupt();
          return watch.outcome;
        }),
      );
      const [theirWatch, myWatch] = outcomes.map(comparable);
      expect(`${theirWatch?.out}${theirWatch?.err}`).not.toBe("");
      expect(myWatch).toEqual(theirWatch);
    }
  });

  it("lists members and tells of itself", async () => {
    await sameScript(`
      member list
      member list -w json
      endpoint health
      alarm list
      alarm disarm
      defrag
      move-leader 1
      member remove 1
    `);
    const [theirs, mine] = await Promise.all(
      endpoints().map((endpoint) => runEtcdctl(endpoint, ["endpoint", "status", "-w", "json"])),
    );
    const shape = (outcome: { out: string } | undefined) => {
      const [{ Status }] = json(outcome?.out ?? "[]");
      return { fields: Object.keys(Status).sort(), revision: Status.header.revision };
    };
    expect(shape(mine)).toEqual(shape(theirs));
  });

  it("saves a snapshot that has the size and checksum that clients look for", async () => {
    const path = join(folder, "snapshot");
    const saved = await runEtcdctl(ours.endpoint, ["snapshot", "save", path]);
    expect(saved).toMatchObject({ code: 0, out: `Snapshot saved at ${path}\n` });
    expect(statSync(path).size % 512).toBe(32);
  });

  it("locks and elects", async () => {
    for (const args of [
      ["lock", "mutex", "echo", "mine"],
      ["elect", "chair", "me"],
    ]) {
      const pair = endpoints().map((endpoint) => startEtcdctl(endpoint, args));
      await delay(1_000);
      for (const command of pair) command.interrupt();
      const outcomes = await Promise.all(pair.map(({ outcome }) => outcome));
      const [theirs, mine] = outcomes.map(comparable);
      expect(theirs?.out).not.toBe("");
      expect(mine).toEqual(theirs);
    }
    await same(["get", "mutex", "--prefix"]);
  });

  it("hands a lock from one to the next", async () => {
    const first = startEtcdctl(ours.endpoint, ["lock", "queue"]);
    await expect.poll(() => first.out(), { timeout: 5_000 }).toContain("queue/");
    const second = startEtcdctl(ours.endpoint, ["lock", "queue"]);
    await delay(500);
    expect(second.out()).toBe("");
    first.interrupt();
    await first.outcome;
    await expect.poll(() => second.out(), { timeout: 5_000 }).toContain("queue/");
    second.interrupt();
    await second.outcome;
  });

  it("says that there are no users", async () => {
    const refused = await runEtcdctl(ours.endpoint, ["user", "add", "root:secret"]);
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain("there are no users and roles");
  });
});

if (missing !== null) {
  it("etcdctl", (context) => context.skip(missing));
}
