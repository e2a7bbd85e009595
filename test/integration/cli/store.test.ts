/** `meshmend kv` and `meshmend snapshot` against real daemons. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingEtcd, startEtcdctl } from "../etcd/etcd-process.ts";
import { runCli } from "./run-cli.ts";

const root = join(import.meta.dirname, "../../..");
let cwd = "";
let daemon: Daemon;

interface Daemon {
  readonly grpc: string;
  stop(): Promise<void>;
}

async function startDaemon(dataDir: string): Promise<Daemon> {
  const child: ChildProcess = spawn(
    join(root, "bin/meshmend"),
    ["run", "--http", "127.0.0.1:0", "--data-dir", dataDir, "--log-format", "json"],
    {
      cwd,
      env: {
        PATH: process.env["PATH"],
        HOME: cwd,
        MESHMEND_GRPC: "127.0.0.1:0",
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let log = "";
  const grpc = await new Promise<string>((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      log += String(chunk);
      const found = /"grpc":"([^"]+)"/.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error(`the daemon ended:\n${log}`)));
  });
  return {
    grpc,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "meshmend-store-"));
  daemon = await startDaemon("data");
});

afterAll(async () => {
  await daemon.stop();
  rmSync(cwd, { recursive: true, force: true });
});

const at = (
  grpc: string,
  words: readonly string[],
  more: Partial<Parameters<typeof runCli>[1]> = {},
) => runCli(words, { cwd, environment: { MESHMEND_GRPC: grpc }, ...more });
const cli = (...words: string[]) => at(daemon.grpc, words);
const json = async (...words: string[]) => JSON.parse((await cli(...words, "--json")).stdout);

describe("keys", () => {
  it("are read as they were written, and say when they are not there", async () => {
    expect(await cli("kv", "put", "plain", "value")).toMatchObject({ code: 0, stderr: "" });
    expect(await cli("kv", "get", "plain")).toEqual({ code: 0, stdout: "value\n", stderr: "" });
    const missing = await cli("kv", "get", "nowhere");
    expect(missing).toMatchObject({ code: 4, stdout: "" });
    expect(missing.stderr).toContain("E_NO_SUCH_KEY");
  });

  it("take any bytes from standard input, and give them back", async () => {
    const bytes = Buffer.from([0, 0xff, 0x0a, 0x80]);
    expect(await at(daemon.grpc, ["kv", "put", "binary"], { input: bytes })).toMatchObject({
      code: 0,
    });
    expect((await json("kv", "get", "binary")).keyValues[0]).toMatchObject({
      value: null,
      valueBase64: bytes.toString("base64"),
    });
  });

  it("are listed by prefix, in order, limited, and as they were at a revision", async () => {
    for (const name of ["b", "a", "c"]) await cli("kv", "put", `list/${name}`, name);
    const before = (await json("kv", "get", "--prefix", "list/")).revision;
    expect((await cli("kv", "del", "list/b")).stdout).toMatch(/^1 deleted/);
    expect((await cli("kv", "del", "list/b")).code).toBe(4);
    const now = await cli("kv", "get", "--prefix", "list/", "--keys-only");
    expect(now.stdout).toBe("list/a\nlist/c\n");
    const then = await cli("kv", "get", "-p", "list/", "--keys-only", "--rev", String(before));
    expect(then.stdout).toBe("list/a\nlist/b\nlist/c\n");
    const some = await cli("kv", "get", "-p", "list/", "--limit", "1", "--descending");
    expect(some.stdout).toContain("list/c");
    expect(some.stdout).not.toContain("list/a");
    expect(some.stderr).toContain("1 more");
  });

  it("do not rewrite the terminal they are listed on", async () => {
    await cli("kv", "put", "evil\u001b[2J", "x\u001b]0;title\u0007");
    expect((await cli("kv", "get", "--prefix", "evil")).stdout).not.toContain("\u001b");
  });
});

describe("a transaction", () => {
  it("does one thing or the other, and its exit code says which", async () => {
    const words = ["kv", "txn", "--if", 'version("once") = 0', "--then", 'put once "a b"'];
    const first = await cli(...words, "--else", "get once");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const second = await at(daemon.grpc, [...words, "--else", "get once", "--json"]);
    expect(second.code).toBe(1);
    const { succeeded, answers } = JSON.parse(second.stdout);
    expect(succeeded).toBe(false);
    expect(answers[0].keyValues[0].value).toBe("a b");
  });

  it("is typed as for etcdctl, and a line that is none is refused", async () => {
    const typed = 'mod("typed") = "0"\n\nput typed 1\n\nget typed\n';
    const input = Buffer.from(typed);
    expect((await at(daemon.grpc, ["kv", "txn"], { input })).code).toBe(0);
    expect((await at(daemon.grpc, ["kv", "txn"], { input })).code).toBe(1);
    const wrong = await cli("kv", "txn", "--then", "put typed");
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain("expected put KEY VALUE");
  });
});

describe("a watch", () => {
  it("tells what happened since a revision, each event once, and ends when told", async () => {
    const { revision } = await json("kv", "put", "watched", "1");
    await cli("kv", "put", "watched", "2");
    await cli("kv", "del", "watched");
    const words = ["kv", "watch", "watched", "--rev", String(revision), "--events", "3", "--json"];
    const seen = await cli(...words);
    expect(seen.code).toBe(0);
    const events = seen.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ kind, value }) => [kind, value])).toEqual([
      ["put", "1"],
      ["put", "2"],
      ["del", undefined],
    ]);
  });

  it("goes on until Ctrl-C", async () => {
    const words = ["kv", "watch", "--prefix", "quiet/"];
    const ran = await at(daemon.grpc, words, { signalOn: [/watching/, "SIGINT"] });
    expect(ran).toMatchObject({ code: 130, stdout: "" });
  });
});

describe("a lease", () => {
  it("is granted, kept, shown, and takes its keys with it", async () => {
    const { id } = await json("kv", "lease", "grant", "60");
    expect((await cli("kv", "put", "leased", "x", "--lease", id)).code).toBe(0);
    expect((await cli("kv", "lease", "keep-alive", id, "--once")).stdout).toContain("60 s");
    expect((await json("kv", "lease", "show", id)).keys).toEqual([{ key: "leased" }]);
    expect((await json("kv", "lease", "list")).leases).toContain(id);
    expect((await cli("kv", "lease", "revoke", id)).code).toBe(0);
    expect((await cli("kv", "get", "leased")).code).toBe(4);
    for (const words of [["show"], ["keep-alive"]]) {
      expect((await cli("kv", "lease", ...words, id)).code, words.join()).toBe(4);
    }
  });
});

describe("a lock", () => {
  it("runs a command with a fencing token, and ends as the command does", async () => {
    const script = "echo $MESHMEND_LOCK_REVISION; exit 7";
    const first = await cli("kv", "lock", "job", "sh", "-c", script);
    const second = await cli("kv", "lock", "job", "sh", "-c", script);
    expect([first.code, second.code]).toEqual([7, 7]);
    expect(Number(second.stdout)).toBeGreaterThan(Number(first.stdout));
    expect((await cli("kv", "get", "--prefix", "job/", "--count")).stdout).toBe("0\n");
  });

  it("is held by one at a time", async () => {
    const log = join(cwd, "turns");
    writeFileSync(log, "");
    const script = `echo in >> ${log}; sleep 0.3; echo out >> ${log}`;
    const words = ["kv", "lock", "turns", "sh", "-c", script];
    await Promise.all([cli(...words), cli(...words), cli(...words)]);
    expect(readFileSync(log, "utf8")).toBe("in\nout\n".repeat(3));
  });

  it("is let go on Ctrl-C", async () => {
    const signalOn = [/holding/, "SIGINT"] as const;
    expect(await at(daemon.grpc, ["kv", "lock", "held"], { signalOn })).toMatchObject({
      code: 130,
    });
    expect((await cli("kv", "get", "--prefix", "held/", "--count")).stdout).toBe("0\n");
  });

  it("keeps etcdctl out as well", async (ctx) => {
    const missing = missingEtcd();
    if (missing !== null) ctx.skip(missing);
    const holder = startEtcdctl(daemon.grpc, ["lock", "shared"]);
    await expect.poll(() => holder.out(), { timeout: 10_000 }).toContain("shared/");
    const waiting = cli("kv", "lock", "shared", "true");
    const early = await Promise.race([waiting, new Promise((done) => setTimeout(done, 1_000))]);
    expect(early).toBeUndefined();
    holder.interrupt();
    await holder.outcome;
    expect((await waiting).code).toBe(0);
  });
});

describe("a snapshot", () => {
  it("begins a new group with all keys at their revisions, in an empty directory only", async () => {
    await cli("kv", "put", "kept", "in the snapshot");
    const saved = await cli("snapshot", "save", "store.snapshot");
    expect(saved).toMatchObject({ code: 0, stderr: "" });
    expect(statSync(join(cwd, "store.snapshot")).mode & 0o777).toBe(0o600);
    const before = (await json("kv", "get", "kept")).keyValues[0];
    const restore = ["snapshot", "restore", "store.snapshot", "--data-dir", "restored"];
    expect(await cli(...restore)).toMatchObject({ code: 0, stderr: "" });
    expect((await cli(...restore)).stderr).toContain("E_DATA_DIR_NOT_EMPTY");
    const other = await startDaemon("restored");
    try {
      const got = await at(other.grpc, ["kv", "get", "kept", "--json"]);
      expect(JSON.parse(got.stdout).keyValues[0]).toEqual(before);
      expect((await at(other.grpc, ["kv", "put", "kept", "later"])).code).toBe(0);
    } finally {
      await other.stop();
    }
    const again = await startDaemon("restored");
    const got = await at(again.grpc, ["kv", "get", "kept"]);
    await again.stop();
    expect(got.stdout).toBe("later\n");
  });

  it("with one bit changed is refused, and leaves nothing behind", async () => {
    await cli("snapshot", "save", "damaged.snapshot");
    const path = join(cwd, "damaged.snapshot");
    const bytes = readFileSync(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const words = ["snapshot", "restore", "damaged.snapshot", "--data-dir", "refused"];
    const refused = await cli(...words);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("E_SNAPSHOT_DAMAGED");
    await cli("snapshot", "save", "damaged.snapshot");
    expect((await cli(...words)).code).toBe(0);
  });
});

describe("a store that is not there", () => {
  it("is said to be unreachable", async () => {
    const nowhere = await at("127.0.0.1:1", ["kv", "get", "x"]);
    expect(nowhere.code).toBe(3);
    expect(nowhere.stderr).toContain("E_DAEMON_UNREACHABLE");
  });
});
