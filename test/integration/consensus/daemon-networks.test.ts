/** Whole daemons in networks of their own: peers beyond loopback, with certificates and without. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { makeAuthority, type TestAuthority } from "../../support/certificates.ts";
import { cliIn, type Daemon, endDaemons, startDaemon } from "../../support/raft/daemon.ts";
import { MemberNetworks, memberNetworksProblem } from "../../support/raft/member-networks.ts";
import { eventually } from "../../support/raft/process-group.ts";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  endDaemons();
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

interface Placed {
  readonly daemon: Daemon;
  readonly wrapper: readonly string[];
}

function networksOf(count: number): MemberNetworks {
  const networks = new MemberNetworks(count);
  cleanUps.push(() => networks.close());
  return networks;
}

/** The environment that names a node's certificate files. */
function certified(authority: TestAuthority, node: string): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-tls-"));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  const { authorities, certificate, key } = authority.issue(node);
  const files = { AUTHORITY: authorities, CERTIFICATE: certificate, KEY: key };
  const environment: Record<string, string> = {};
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    writeFileSync(path, text);
    environment[`MESHMEND_CLUSTER_TLS_${name}`] = path;
  }
  return environment;
}

function authorityOf(): TestAuthority | null {
  const authority = makeAuthority();
  if (authority !== null) cleanUps.push(() => authority.remove());
  return authority;
}

async function place(
  networks: MemberNetworks,
  index: number,
  id: string,
  environment: Record<string, string>,
  more: readonly string[] = [],
): Promise<Placed> {
  const wrapper = networks.wrapper(index);
  const peer = networks.addresses[index] ?? "";
  return { daemon: await startDaemon(id, more, { peer }, { wrapper, environment }), wrapper };
}

interface Listed {
  readonly clusterId: string;
  readonly leader: string | null;
  readonly members: readonly { readonly id: string; readonly role: string }[];
}

/** What the daemon says of its group, asked in its own network. */
async function listed({ daemon, wrapper }: Placed): Promise<Listed | null> {
  const answer = await cliIn(wrapper, "member", "list", "--http", daemon.http, "--json");
  return answer.code === 0 ? (JSON.parse(answer.stdout) as Listed) : null;
}

async function votersOf(placed: Placed, ...ids: readonly string[]): Promise<Listed> {
  const seen = async () => {
    const list = await listed(placed);
    const voters = (list?.members ?? []).filter(({ role }) => role === "voter");
    const same =
      voters
        .map(({ id }) => id)
        .sort()
        .join() === [...ids].sort().join();
    return list !== null && list.leader !== null && same && list;
  };
  return eventually(`${placed.daemon.id} sees ${ids.join()}`, seen, 30_000);
}

describe("daemons beyond loopback", () => {
  it("form a group by certificates, replace a leader that is cut off, and take it back", async (ctx) => {
    const problem = memberNetworksProblem();
    if (problem !== null) ctx.skip(problem);
    const authority = authorityOf();
    if (authority === null) return ctx.skip("needs openssl");
    const networks = networksOf(3);
    const one = await place(networks, 0, "one", certified(authority, "one"));
    const join = ["--join", networks.addresses[0] ?? ""];
    const two = await place(networks, 1, "two", certified(authority, "two"), join);
    const three = await place(networks, 2, "three", certified(authority, "three"), join);
    await votersOf(three, "one", "two", "three");
    await votersOf(one, "one", "two", "three");
    const leader = (await listed(one))?.leader ?? "";
    const index = ["one", "two", "three"].indexOf(leader);
    networks.cut(index, ["input", "output"]);
    const other = [one, two, three][(index + 1) % 3] ?? one;
    await eventually("another leads", async () => {
      const seen = (await listed(other))?.leader ?? null;
      return seen !== null && seen !== leader;
    });
    networks.heal(index);
    const back = [one, two, three][index] ?? one;
    const { leader: next } = await votersOf(other, "one", "two", "three");
    await eventually("it follows", async () => (await listed(back))?.leader === next);
  }, 120_000);

  it("keep out one whose certificate another authority has signed, or that has another's name", async (ctx) => {
    const problem = memberNetworksProblem();
    if (problem !== null) ctx.skip(problem);
    const [ours, theirs] = [authorityOf(), authorityOf()];
    if (ours === null || theirs === null) return ctx.skip("needs openssl");
    const networks = networksOf(3);
    const one = await place(networks, 0, "one", certified(ours, "one"));
    await votersOf(one, "one");
    const join = ["--join", networks.addresses[0] ?? ""];
    const stranger = await place(networks, 1, "two", certified(theirs, "two"), join);
    const masked = await place(networks, 2, "three", certified(ours, "four"), join);
    await eventually("the stranger is told", () =>
      stranger.daemon.log().includes("E_PEER_UNTRUSTED"),
    );
    await eventually("the masked one is told", () => /E_PEER_[A-Z_]+/.test(masked.daemon.log()));
    expect((await listed(one))?.members).toMatchObject([{ id: "one" }]);
  }, 120_000);

  it("refuse to start in plaintext, unless it is spelled out", async (ctx) => {
    const problem = memberNetworksProblem();
    if (problem !== null) ctx.skip(problem);
    const networks = networksOf(1);
    const { daemon } = await place(networks, 0, "one", {});
    expect(await daemon.ended).toBe(2);
    expect(daemon.log()).toMatch(/insecure|tlsAuthority/);
    const insecure = await place(networks, 0, "one", { MESHMEND_CLUSTER_INSECURE: "true" });
    await votersOf(insecure, "one");
  }, 60_000);
});

describe("a daemon of another cluster at an address of ours", () => {
  it("is refused by name, loses nothing of its own, and the group waits for its member", async (ctx) => {
    const problem = memberNetworksProblem();
    if (problem !== null) ctx.skip(problem);
    const networks = networksOf(3);
    const plain = { MESHMEND_CLUSTER_INSECURE: "true" };
    const one = await place(networks, 0, "one", plain);
    const join = ["--join", networks.addresses[0] ?? ""];
    const two = await place(networks, 1, "two", plain, join);
    const three = await place(networks, 2, "three", plain, join);
    const { clusterId } = await votersOf(one, "one", "two", "three");
    await votersOf(three, "one", "two", "three");
    three.daemon.child.kill("SIGKILL");
    await three.daemon.ended;

    // Of the same name, at the same address, with a fresh disk: it founds a group of its own.
    const stranger = await place(networks, 2, "three", plain);
    const alone = await votersOf(stranger, "three");
    expect(alone.clusterId).not.toBe(clusterId);
    await eventually("one of ours says so", () =>
      [one, two].some(({ daemon }) => daemon.log().includes("E_PEER_WRONG_CLUSTER")),
    );
    expect((await votersOf(one, "one", "two", "three")).clusterId).toBe(clusterId);
    expect((await votersOf(stranger, "three")).clusterId).toBe(alone.clusterId);

    stranger.daemon.child.kill("SIGKILL");
    await stranger.daemon.ended;
    const wrapper = networks.wrapper(2);
    const back = await startDaemon("three", [], three.daemon, { wrapper, environment: plain });
    await votersOf({ daemon: back, wrapper }, "one", "two", "three");
  }, 120_000);
});
