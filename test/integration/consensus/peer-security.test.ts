/** Who gets in with TLS, who does not, and that plaintext stays on this machine. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ok, silentLogger } from "../../../src/base/index.ts";
import {
  type FilePeerCredentials,
  openFilePeerCredentials,
} from "../../../src/consensus/io/file-peer-credentials.ts";
import type { MemberHandlers } from "../../../src/consensus/io/member-calls.ts";
import {
  defaultMemberClientOptions,
  MemberClient,
} from "../../../src/consensus/io/member-client.ts";
import { MemberServer } from "../../../src/consensus/io/member-server.ts";
import type { PeerIdentity, PeerSecurity } from "../../../src/consensus/io/peer-credentials.ts";
import {
  defaultPeerListenerOptions,
  PeerListener,
} from "../../../src/consensus/io/peer-listener.ts";
import { makeAuthority, type TestAuthority } from "../../support/certificates.ts";
import {
  eventually,
  nodeId,
  type PeerNode,
  type PeerNodeOptions,
  plaintext,
  startPeerNode,
} from "../../support/peer-node.ts";
import { realClock } from "../../support/real-clock.ts";

let authority: TestAuthority | null = null;
let other: TestAuthority | null = null;
const running: { stop(): Promise<void> }[] = [];

beforeAll(() => {
  authority = makeAuthority();
  other = makeAuthority();
});

afterAll(() => {
  authority?.remove();
  other?.remove();
});

beforeEach((context) => {
  if (authority === null) context.skip("needs openssl to make certificates");
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
});

const secure = (identity: PeerIdentity): PeerSecurity => ({
  credentials: { current: () => identity },
  insecure: false,
});

const issue = (...args: Parameters<TestAuthority["issue"]>): PeerIdentity => {
  if (authority === null) throw new Error("no authority");
  return authority.issue(...args);
};

async function start(name: string, options: PeerNodeOptions): Promise<PeerNode> {
  const node = await startPeerNode(name, options);
  running.push(node);
  return node;
}

/** Two nodes that dial each other. */
async function startPair(one: PeerSecurity, another: PeerSecurity): Promise<[PeerNode, PeerNode]> {
  const a = await start("a", { security: one });
  const b = await start("b", { security: another });
  a.transport.setPeers([b.member]);
  b.transport.setPeers([a.member]);
  return [a, b];
}

describe("peers with certificates of one authority", () => {
  it.each([
    ["a SPIFFE URI", (node: string) => `URI:spiffe://mesh.example/site/node/${node}`],
    ["a DNS name", (node: string) => `DNS:${node}`],
  ])("talk when %s names them", async (_what, nameOf) => {
    const [a, b] = await startPair(
      secure(issue("a", { alternativeName: nameOf("a") })),
      secure(issue("b", { alternativeName: nameOf("b") })),
    );
    await eventually("both up", () => a.linkTo(b).state === "up" && b.linkTo(a).state === "up");
    a.transport.send([a.say(b, { kind: "term-notice" })]);
    await eventually("the message", () => b.received.length === 1);
  });

  it("do not take one node for another", async () => {
    const [a, b] = await startPair(secure(issue("a")), secure(issue("mallory")));
    await eventually("both refuse", () =>
      [a.linkTo(b), b.linkTo(a)].every(({ state }) => state === "refused"),
    );
    expect(a.linkTo(b).fault?.code).toBe("E_PEER_WRONG_NODE");
    expect(b.linkTo(a).fault?.code).toBe("E_PEER_WRONG_NODE");
    expect(a.lines).toContain("warn: a stream on the peer port is refused E_PEER_WRONG_NODE");
    expect(a.received).toEqual([]);
  });

  it("let the URI decide when there is a DNS name as well", async () => {
    const alternativeName = "DNS:b,URI:spiffe://test/node/mallory";
    const [a, b] = await startPair(secure(issue("a")), secure(issue("b", { alternativeName })));
    await eventually("a refuses", () => a.linkTo(b).state === "refused");
    expect(a.linkTo(b).fault?.code).toBe("E_PEER_WRONG_NODE");
  });

  it("use a new certificate without a restart", async () => {
    let current = issue("b", { days: -1 });
    const [a, b] = await startPair(secure(issue("a")), {
      credentials: { current: () => current },
      insecure: false,
    });
    await eventually("a refuses", () => a.linkTo(b).state === "refused");
    current = issue("b");
    await eventually("both up", () => a.linkTo(b).state === "up" && b.linkTo(a).state === "up");
  });
});

describe("credentials that cannot be read for a while", () => {
  it("stop no connection that is there, and let new ones in again afterwards", async () => {
    const identity = issue("b");
    let readable = true;
    const [a, b] = await startPair(secure(issue("a")), {
      credentials: {
        current() {
          if (!readable) throw new Error("no such file");
          return identity;
        },
      },
      insecure: false,
    });
    await eventually("both up", () => a.linkTo(b).state === "up" && b.linkTo(a).state === "up");
    readable = false;
    const c = await start("c", { security: secure(issue("c")) });
    c.transport.setPeers([b.member]);
    await eventually("c gets in with what b has", () => c.linkTo(b).state === "up");
    b.transport.setPeers([a.member, c.member]);
    await eventually("b cannot dial", () => b.linkTo(c).state === "refused");
    expect(b.linkTo(c).fault?.code).toBe("E_PEER_CREDENTIALS");
    expect(b.linkTo(a).state).toBe("up");
    readable = true;
    await eventually("b can dial", () => b.linkTo(c).state === "up");
  });
});

describe("whoever is not trusted", () => {
  it.each([
    ["by a certificate of another authority", () => other?.issue("b")],
    ["by an expired certificate", () => issue("b", { days: -1 })],
  ])("is refused: %s", async (_what, identity) => {
    const theirs = identity();
    if (theirs === undefined) throw new Error("no authority");
    const [a, b] = await startPair(
      secure(issue("a")),
      secure({ ...theirs, authorities: authority?.certificate ?? "" }),
    );
    await eventually("both notice", () =>
      [a.linkTo(b), b.linkTo(a)].every(({ state }) => state === "refused" || state === "down"),
    );
    expect(a.linkTo(b)).toMatchObject({ state: "refused", fault: { code: "E_PEER_UNTRUSTED" } });
    await eventually("a counts it", () => a.listener.status().rejectedConnections > 0);
    expect(a.lines).toContain("warn: a connection to the peer port is refused E_PEER_UNTRUSTED");
    expect([...a.received, ...b.received]).toEqual([]);
  });

  it("is refused: in plaintext, either way", async () => {
    const [a, b] = await startPair(secure(issue("a")), plaintext);
    await eventually("both notice", () =>
      [a.linkTo(b), b.linkTo(a)].every(({ state }) => state === "refused" || state === "down"),
    );
    expect([...a.received, ...b.received]).toEqual([]);
  });

  it.each([
    ["without a certificate", {}, "TLSv1.3"],
    ["by TLS 1.2", {}, "TLSv1.2"],
  ] as const)("is refused: %s", async (_what, extra, version) => {
    const identity = issue("a");
    const a = await start("a", { security: secure(identity) });
    const ca = authority?.certificate ?? "";
    const own = version === "TLSv1.2" ? { cert: identity.certificate, key: identity.key } : extra;
    const ended = await new Promise<string>((resolve) => {
      const socket = connectTls({
        ...{ ca, port: a.port, host: "127.0.0.1", maxVersion: version, minVersion: "TLSv1.2" },
        ...{ ...own, ALPNProtocols: ["h2"], checkServerIdentity: () => undefined },
      });
      socket.on("error", (error) => resolve(error.message));
      socket.on("close", () => resolve("closed"));
    });
    expect(ended).toMatch(/alert|closed|reset/i);
    await eventually("it is counted", () => a.listener.status().rejectedConnections === 1);
  });

  it("is refused: a server that only speaks TLS 1.2", async () => {
    const { certificate: cert, key, authorities: ca } = issue("b");
    const server = createTlsServer({ cert, key, ca, maxVersion: "TLSv1.2", minVersion: "TLSv1.2" });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    running.push({ stop: async () => void server.close() });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const a = await start("a", { security: secure(issue("a")) });
    const member = { id: nodeId("b"), address: `127.0.0.1:${port}` };
    a.transport.setPeers([member]);
    await eventually("a gives up", () => a.linkTo({ member }).state === "refused");
    expect(a.linkTo({ member }).fault?.code).toBe("E_PEER_UNTRUSTED");
  });
});

describe("a member's call", () => {
  const never = new AbortController().signal;

  /** A node "a" that would let anybody join, and a client with this certificate. */
  async function askToJoin(identity: PeerIdentity, member: string) {
    const security = secure(issue("a"));
    const listener = new PeerListener(
      { clock: realClock, logger: silentLogger, security },
      { ...defaultPeerListenerOptions, host: "127.0.0.1", port: 0 },
    );
    const membership = { voters: [], outgoing: null, learners: [] };
    const refuse = () => Promise.reject(new Error("not asked here"));
    const handlers: MemberHandlers = {
      propose: refuse,
      changeMembership: async () => ok(membership),
      transferLeadership: refuse,
      join: async () => ok({ clusterId: "cluster", membership }),
      ask: refuse,
      status: () => {
        throw new Error("not asked here");
      },
    };
    const local = { id: nodeId("a"), clusterId: "cluster" };
    new MemberServer({ logger: silentLogger, listener, handlers }, local);
    const started = await listener.start();
    if (!started.ok) throw new Error(started.fault.message);
    running.push(listener);
    const client = new MemberClient(
      { clock: realClock, security: secure(identity) },
      { id: nodeId(member), clusterId: "cluster" },
      defaultMemberClientOptions,
    );
    running.push({ stop: async () => client.stop() });
    const address = `127.0.0.1:${started.value.port}`;
    const joiner = {
      ...{ clusterId: null, promote: true },
      member: { id: nodeId(member), address: "127.0.0.1:1" },
    };
    const joined = await client.join(address, joiner, never);
    const changed = await client.changeMembership({ id: nodeId("a"), address }, [], never);
    const elsewhere = await client.changeMembership({ id: nodeId("c"), address }, [], never);
    return [joined, changed, elsewhere].map((answer) => (answer.ok ? "yes" : answer.fault.code));
  }

  it("is answered when the certificates fit the names on both sides", async () => {
    expect(await askToJoin(issue("b"), "b")).toEqual(["yes", "yes", "E_PEER_WRONG_NODE"]);
  });

  it("is refused when the caller has another's certificate", async () => {
    expect(await askToJoin(issue("mallory"), "b")).toEqual([
      "E_PEER_WRONG_NODE",
      "E_PEER_WRONG_NODE",
      "E_PEER_WRONG_NODE",
    ]);
  });

  it("is refused without trust", async () => {
    const theirs = other?.issue("b");
    if (theirs === undefined) throw new Error("no authority");
    const identity = { ...theirs, authorities: authority?.certificate ?? "" };
    const [joined, changed, elsewhere] = await askToJoin(identity, "b");
    // In TLS 1.3 a server's refusal comes after the client's handshake, often as a mere reset.
    expect(joined).toMatch(/^E_PEER_(UNREACHABLE|UNTRUSTED)$/);
    expect(changed).toMatch(/^E_PEER_(UNREACHABLE|UNTRUSTED)$/);
    expect(elsewhere).toBe("E_PEER_WRONG_NODE");
  });
});

describe("plaintext", () => {
  const listener = (host: string, insecure: boolean, lines: string[] = []) => {
    const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
    const made = new PeerListener(
      { clock: realClock, logger, security: { credentials: null, insecure } },
      { ...defaultPeerListenerOptions, host, port: 0 },
    );
    running.push(made);
    return made;
  };

  it.each(["0.0.0.0", "::", "192.0.2.1", "example.org"])(
    "is not listened for on %s",
    async (host) => {
      const started = await listener(host, false).start();
      expect(started).toMatchObject({ ok: false, fault: { code: "E_PEER_INSECURE" } });
      expect(started).toMatchObject({
        fault: { remedy: expect.stringContaining("cluster.insecure") },
      });
    },
  );

  it("is listened for anywhere when that is spelled out, which the log and the status say", async () => {
    const lines: string[] = [];
    const open = listener("0.0.0.0", true, lines);
    expect((await open.start()).ok).toBe(true);
    expect(lines).toEqual([expect.stringContaining("plaintext")]);
    expect(open.status().insecure).toBe(true);
  });

  it("is not spoken beyond this machine, neither in a stream nor in a call", async () => {
    const a = await start("a", {});
    const member = { id: nodeId("b"), address: "192.0.2.1:7400" };
    a.transport.setPeers([member]);
    await eventually("a refuses itself", () => a.linkTo({ member }).state === "refused");
    expect(a.linkTo({ member }).fault?.code).toBe("E_PEER_INSECURE");
    const client = new MemberClient(
      { clock: realClock, security: plaintext },
      { id: nodeId("a"), clusterId: "cluster" },
      defaultMemberClientOptions,
    );
    const answer = await client.status(member.address, new AbortController().signal);
    expect(answer).toMatchObject({ ok: false, fault: { code: "E_PEER_INSECURE" } });
    client.stop();
  });
});

describe("credentials from files", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "meshmend-credentials-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const filesOf = () => ({
    authorities: join(folder, "ca.pem"),
    certificate: join(folder, "cert.pem"),
    key: join(folder, "key.pem"),
  });

  function write({ authorities, certificate, key }: PeerIdentity): void {
    const files = filesOf();
    writeFileSync(files.authorities, authorities);
    writeFileSync(files.certificate, certificate);
    writeFileSync(files.key, key);
    chmodSync(files.key, 0o600);
  }

  async function open(): Promise<FilePeerCredentials> {
    const opened = await openFilePeerCredentials(filesOf());
    if (!opened.ok) throw new Error(opened.fault.message);
    return opened.value;
  }

  it("are read again when told to", async () => {
    const [first, second] = [issue("a"), issue("a")];
    write(first);
    const credentials = await open();
    expect(credentials.current()).toEqual(first);
    write(second);
    expect(credentials.current()).toEqual(first);
    expect(await credentials.reload()).toBeNull();
    expect(credentials.current()).toEqual(second);
  });

  it("stay what they were when the new ones are unusable", async () => {
    const identity = issue("a");
    write(identity);
    const credentials = await open();
    write({ ...identity, key: issue("a").key });
    expect(await credentials.reload()).toMatchObject({ code: "E_PEER_CREDENTIALS" });
    expect(credentials.current()).toEqual(identity);
  });

  it.each([
    ["a file is missing", () => undefined],
    ["a certificate is garbage", () => write({ ...issue("a"), certificate: "garbage" })],
    ["an authority is garbage", () => write({ ...issue("a"), authorities: "garbage" })],
    ["the key is another's", () => write({ ...issue("a"), key: issue("a").key })],
  ])("are refused when %s", async (_what, prepare) => {
    prepare();
    const opened = await openFilePeerCredentials(filesOf());
    expect(opened).toMatchObject({ ok: false, fault: { code: "E_PEER_CREDENTIALS" } });
  });
});
