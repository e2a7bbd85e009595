/** Whole daemons under what befalls them: killed while they join, and bytes of their disks changed. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Fault } from "../../../src/base/index.ts";
import { KvClient } from "../../../src/client/index.ts";
import { PutRequest, RangeRequest } from "../../../src/wire/etcd/rpc.ts";
import {
  consensusHealth,
  type Daemon,
  endDaemons,
  startDaemon,
  voters,
} from "../../support/raft/daemon.ts";
import { eventually } from "../../support/raft/process-group.ts";

afterEach(endDaemons);

const standing = (dataDir: string): string | null => {
  const path = join(dataDir, "raft/identity");
  if (!existsSync(path)) return null;
  return (JSON.parse(readFileSync(path, "utf8").split("\n")[0] ?? "") as { standing: string })
    .standing;
};

describe("a daemon that is killed while it joins", () => {
  it("goes on without --join, once the group can take it in", async () => {
    const one = await startDaemon("one");
    const two = await startDaemon("two", ["--join", one.peer]);
    await voters(one, "one", "two");
    // Without a majority the group answers, and takes nobody in.
    two.child.kill("SIGKILL");
    await two.ended;
    const three = await startDaemon("three", ["--join", one.peer]);
    await eventually("it has written down whom it asked", () => {
      return standing(three.dataDir) === "joining";
    });
    three.child.kill("SIGKILL");
    await three.ended;
    const again = await startDaemon("three", [], three);
    await eventually("it asks again", async () => {
      return (await consensusHealth(again))?.reason.includes(one.peer);
    });
    expect(standing(three.dataDir)).toBe("joining");
    await startDaemon("two", [], two);
    await voters(again, "one", "two", "three");
    await eventually("it is a member", () => standing(three.dataDir) === "member");
  }, 120_000);

  it.each([0, 40, 150, 600])(
    "goes on when it is killed %i ms after it began",
    async (afterMs) => {
      const one = await startDaemon("one");
      await voters(one, "one");
      const two = await startDaemon("two", ["--join", one.peer]);
      await eventually("it has begun", () => standing(two.dataDir) !== null);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      two.child.kill("SIGKILL");
      await two.ended;
      const again = await startDaemon("two", [], two);
      await voters(again, "one", "two");
    },
    60_000,
  );
});

/** As large as a client may write, so that a few of them fill segments. */
const valueBytes = 1_000_000;
const keys = Array.from({ length: 40 }, (_, i) => `key${String(i).padStart(2, "0")}`);
const writtenTo = (key: string) => Buffer.alloc(valueBytes, `${key} `);

async function clientOf(daemon: Daemon): Promise<KvClient> {
  return eventually(`${daemon.id} serves clients`, async () => {
    const made = await KvClient.connect({ address: daemon.grpc, maxInFlight: 10 });
    return made.ok && made.value;
  });
}

async function write(daemon: Daemon): Promise<void> {
  const client = await clientOf(daemon);
  for (const key of keys) {
    const request = { ...PutRequest.decode(new Uint8Array(0)), key: Buffer.from(key) };
    const written = await client.put({ ...request, value: writtenTo(key) });
    expect(written).toMatchObject({ ok: true });
  }
  client.close();
}

/** What this daemon answers by itself: every value as it was written, or a fault. Never another value. */
async function readAll(daemon: Daemon, serializable: boolean): Promise<Fault | null> {
  const client = await clientOf(daemon);
  for (const key of keys) {
    const request = { ...RangeRequest.decode(new Uint8Array(0)), key: Buffer.from(key) };
    const read = await client.range({ ...request, serializable });
    if (!read.ok) {
      client.close();
      return read.fault;
    }
    const [found] = read.value.kvs;
    const same = found !== undefined && Buffer.compare(found.value, writtenTo(key)) === 0;
    expect(same, `${key} at ${daemon.id}`).toBe(true);
  }
  client.close();
  return null;
}

const filesOf = (daemon: Daemon, folder: string, pattern: RegExp) =>
  readdirSync(join(daemon.dataDir, folder))
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(daemon.dataDir, folder, name));

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

/** Where the last byte is that is not zero: within the last frame, or its padding. */
function lastUsed(path: string): number {
  const bytes = readFileSync(path);
  let at = bytes.length - 1;
  while (at > 0 && bytes[at] === 0) at--;
  return at;
}

/** What became of a daemon that was started on a changed disk. */
async function outcomeOf(daemon: Daemon): Promise<string> {
  let health: Awaited<ReturnType<typeof consensusHealth>>;
  const seen = eventually(
    "it runs, or says why not",
    async () => {
      if (daemon.child.exitCode !== null) return `ends with ${daemon.child.exitCode}`;
      health = await consensusHealth(daemon);
      if (health?.state === "failed") return `refuses: ${health.reason}`;
      if (health?.state !== "ok") return false;
      const fault = (await readAll(daemon, true)) ?? (await readAll(daemon, false));
      return fault === null ? "whole" : `answers ${fault.code}: ${fault.message}`;
    },
    60_000,
  );
  return seen.catch((thrown) => `${thrown}: ${health?.reason}`);
}

describe("one byte changed on the disk of a member", () => {
  it("is repaired from the others or refused, and never becomes another value", async () => {
    const one = await startDaemon("one");
    let two = await startDaemon("two", ["--join", one.peer]);
    await startDaemon("three", ["--join", one.peer]);
    await voters(one, "one", "two", "three");
    await write(one);
    const segments = () => filesOf(two, "raft/log", /segment$/);
    const newest = () => segments().at(-1) ?? "";
    const places: readonly [string, () => [string, number], RegExp][] = [
      [
        "the middle of the log",
        () => [segments()[Math.floor(segments().length / 2) - 1] ?? "", 2_000_000],
        /^whole$/,
      ],
      ["the end of the log", () => [newest(), lastUsed(newest())], /^whole$/],
      ["term and vote at a segment's start", () => [newest(), 60], /^whole$/],
      [
        "the identity",
        () => [join(two.dataDir, "raft/identity"), 20],
        /^refuses: .*identity is damaged/,
      ],
    ];
    for (const [name, place, expected] of places) {
      two.child.kill("SIGKILL");
      await two.ended;
      const [path, at] = place();
      const before = readFileSync(path);
      flip(path, at);
      two = await startDaemon("two", [], two);
      const outcome = await outcomeOf(two);
      expect.soft(outcome, name).toMatch(expected);
      if (outcome !== "whole") {
        two.child.kill("SIGKILL");
        await two.ended;
        writeFileSync(path, before);
        two = await startDaemon("two", [], two);
        await voters(two, "one", "two", "three");
      }
    }
  }, 240_000);
});
