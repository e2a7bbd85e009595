import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { sampleDecision } from "../../unit/cli/sample-decision.ts";
import { runCli } from "./run-cli.ts";

const cwd = tmpdir();
const base = "/api/v1/mape-k";
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Something that answers; gives the environment in which the command finds it. */
async function answering(listener: RequestListener) {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { cwd, environment: { MESHMEND_HTTP: `127.0.0.1:${port}` } };
}

/** A daemon by a table from `METHOD path` to the answer; else 404. */
function daemon(answers: Readonly<Record<string, unknown>>, asked: string[] = []) {
  return answering((request, response) => {
    const key = `${request.method} ${request.url}`;
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      asked.push(body === "" ? key : `${key} ${body}`);
      const known = Object.hasOwn(answers, key);
      const problem = { code: "E_NO_SUCH_DECISION", detail: "there is no such decision" };
      response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(known ? answers[key] : problem));
    });
  });
}

/** As one node of a triangle sees it. */
const mesh = {
  type: "NetworkGraph",
  protocol: "batman-adv",
  version: "2022.3",
  metric: "THROUGHPUT",
  router_id: "02:00:00:00:01:02",
  revision: "0.1.0",
  topology_id: "bat0",
  nodes: ["02:00:00:00:01:02", "02:00:00:00:02:01"].map((node) => ({
    id: node,
    properties: { gateway: false, known: true, cut: false, part: 0 },
  })),
  links: [
    {
      source: "02:00:00:00:01:02",
      target: "02:00:00:00:02:01",
      cost: 1,
      cost_text: "54 Mbit/s",
      properties: { kind: "heard", cut: true },
    },
  ],
};

describe("meshmend topology", () => {
  const path = "GET /api/v1/mesh/topology";

  it("draws the mesh, or hands on the daemon's NetJSON and Graphviz", async () => {
    const at = await answering((request, response) => {
      const dot = request.url?.endsWith("format=dot");
      response.end(dot ? 'graph "bat0" {}\n' : JSON.stringify(mesh));
    });
    const [drawn, json, dot] = await Promise.all([
      runCli(["topology"], at),
      runCli(["topology", "--json"], at),
      runCli(["topology", "--dot"], at),
    ]);
    expect(drawn.stdout).toContain("└── 02:00:00:00:02:01  54 Mbit/s, the only path");
    expect(JSON.parse(json.stdout)).toEqual(mesh);
    expect(dot.stdout).toBe('graph "bat0" {}\n');
  });

  it("says when there is none", async () => {
    const at = await daemon({ [path]: undefined });
    const { code, stderr } = await runCli(["topology"], at);
    expect(code).not.toBe(0);
    expect(stderr).not.toBe("");
  });
});

/** As node `roof` tells of its peers. */
const peers = {
  self: {
    nodeId: "roof",
    clusterId: null,
    version: "0.1.0",
    originator: "02:00:00:00:01:02",
    httpPort: null,
    peerPort: null,
  },
  peers: [
    {
      nodeId: "hill",
      clusterId: null,
      version: "0.1.0",
      originator: "02:00:00:00:02:01",
      inOriginatorTable: true,
      contested: false,
      sources: ["mdns"],
      addresses: [
        {
          address: "fe80::1%bat0",
          source: "mdns",
          httpPort: null,
          peerPort: null,
          lastSeenMs: 4_000,
          expiresInMs: 176_000,
        },
      ],
      lastSeenMs: 4_000,
      expiresInMs: 176_000,
    },
  ],
  seeds: [{ host: "10.0.0.9", port: 8_480, source: "seed", state: "silent", detail: "refused" }],
  mdnsInterface: "bat0",
  refused: { noRoom: 0, malformed: 0, offLink: 0, events: 0 },
};

describe("meshmend peers", () => {
  it("shows who else is there, and the seeds that are silent", async () => {
    const at = await daemon({ "GET /api/v1/mesh/peers": peers });
    const [shown, json] = await Promise.all([
      runCli(["peers"], at),
      runCli(["peers", "--json"], at),
    ]);
    expect(shown.stdout).toContain("roof (02:00:00:00:01:02): 1 peer; mDNS on bat0\n");
    expect(shown.stdout).toMatch(
      /\nhill +02:00:00:00:02:01 +yes +mdns +fe80::1%bat0 +0\.1\.0 +4 s ago\n/,
    );
    expect(shown.stdout).toContain("silent seed  10.0.0.9 port 8480: refused");
    expect(JSON.parse(json.stdout)).toEqual(peers);
  });

  it("is one line where nobody is", async () => {
    const alone = { ...peers, peers: [], seeds: [], mdnsInterface: null };
    const { stdout } = await runCli(["peers"], await daemon({ "GET /api/v1/mesh/peers": alone }));
    expect(stdout).toBe("roof (02:00:00:00:01:02): 0 peers; mDNS is not spoken\n");
  });
});

const { id } = sampleDecision;
const page = { decisions: [sampleDecision], next: null };
const health = {
  state: "degraded",
  node: "roof-3",
  version: "0.1.0",
  mode: "act",
  uptimeSeconds: 3_700,
  components: [
    {
      component: "repair",
      state: "degraded",
      since: "2026-01-01T00:00:00Z",
      reason: "may not repair",
      remedy: "give CAP_NET_ADMIN",
    },
  ],
};
const observations = {
  observation: null,
  subjects: [],
  statistics: { beats: 120, missed: 1, periodMs: 1_000, lastDurationMs: 2 },
};
const statusAnswers = {
  "GET /health": health,
  [`GET ${base}/observations`]: observations,
  [`GET ${base}/symptoms`]: { symptoms: [sampleDecision.symptom] },
  [`GET ${base}/decisions?limit=5`]: page,
};

describe("status", () => {
  it("shows components, symptoms and decisions, without colours into a pipe", async () => {
    const { code, stdout } = await runCli(["status"], await daemon(statusAnswers));
    expect(code).toBe(0);
    for (const part of [
      "roof-3  degraded  mode act  up 1 h 1 min",
      "give CAP_NET_ADMIN",
      id,
      "healed",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).not.toContain("\u001b");
  });

  it("gives the same as JSON", async () => {
    const { stdout } = await runCli(["status", "--json"], await daemon(statusAnswers));
    expect(JSON.parse(stdout)).toMatchObject({ health, decisions: [sampleDecision] });
  });

  it("watches until it is interrupted", async () => {
    const options = await daemon(statusAnswers);
    const twice = /degraded[\s\S]*roof-3 {2}degraded/;
    const ran = await runCli(["status", "--watch"], { ...options, signalOn: [twice, "SIGINT"] });
    expect(ran.code).toBe(130);
  });
});

describe("explain", () => {
  const pageBefore = (prefix: string) =>
    `GET ${base}/decisions?limit=2&before=${prefix.padEnd(26, "Z")}`;

  it("takes a whole id, last, and a beginning in any case", async () => {
    const asked: string[] = [];
    const options = await daemon(
      {
        [`GET ${base}/decisions/${id}`]: sampleDecision,
        [`GET ${base}/decisions?limit=1`]: page,
        [pageBefore("01KAJ6")]: page,
      },
      asked,
    );
    for (const reference of [id, "last", "01kaj6"]) {
      const { code, stdout } = await runCli(["explain", reference], options);
      expect({ code, begins: stdout.split("\n")[0] }).toEqual({
        code: 0,
        begins: `Decision ${id}`,
      });
    }
    expect(asked).toHaveLength(3);
  });

  it("ends with 4 when there is no such decision, and with 2 when there are several", async () => {
    const other = { ...sampleDecision, id: `${id.slice(0, 25)}0` };
    const options = await daemon({
      [pageBefore("01KAJ6")]: { decisions: [sampleDecision, other], next: null },
      [pageBefore("02")]: page,
    });
    expect((await runCli(["explain", "01KAJ6"], options)).code).toBe(2);
    expect((await runCli(["explain", "02"], options)).code).toBe(4);
    expect((await runCli(["explain", id], options)).code).toBe(4);
  });
});

describe("decisions", () => {
  it("are fetched page by page up to the limit", async () => {
    const asked: string[] = [];
    const first = { decisions: Array(100).fill(sampleDecision), next: "more" };
    const options = await daemon(
      {
        [`GET ${base}/decisions?limit=100`]: first,
        [`GET ${base}/decisions?limit=50&before=${id}`]: {
          decisions: [sampleDecision],
          next: null,
        },
      },
      asked,
    );
    const { stdout } = await runCli(["decisions", "--limit", "150", "--json"], options);
    expect(JSON.parse(stdout)).toHaveLength(101);
    expect(asked).toHaveLength(2);
  });
});

describe("confirm and deny", () => {
  it.each([
    ["confirm", true],
    ["deny", false],
  ])("%s answers with approve: %s", async (command, approve) => {
    const asked: string[] = [];
    const path = `POST ${base}/decisions/${id}/confirmation`;
    const answers = {
      [`GET ${base}/decisions/${id}`]: { ...sampleDecision, phase: "waiting" },
      [path]: { decision: id, approved: approve },
    };
    const { code, stdout } = await runCli([command, id], await daemon(answers, asked));
    expect(code).toBe(0);
    expect(stdout).toContain(id);
    expect(asked.at(-1)).toBe(`${path} ${JSON.stringify({ approve })}`);
  });

  it("take for the last the one that waits, whatever was decided since", async () => {
    const later = { ...sampleDecision, id: "01KAJ6Q9ZZZZZZZZZZZZZZZZZZ", phase: "closed" };
    const waiting = { ...sampleDecision, phase: "waiting" };
    const asked: string[] = [];
    const path = `POST ${base}/decisions/${id}/confirmation`;
    const list = `GET ${base}/decisions?limit=100`;
    const answers = {
      [list]: { decisions: [later, waiting], next: null },
      [path]: { decision: id, approved: true },
    };
    const { code } = await runCli(["confirm", "last"], await daemon(answers, asked));
    expect(code).toBe(0);
    expect(asked.at(-1)).toContain(path);
    const none = await daemon({ [list]: { decisions: [later], next: null } });
    const refused = await runCli(["deny", "last"], none);
    expect(refused.stderr).toContain("E_NOT_WAITING");
    expect(refused.code).toBe(1);
  });
});

describe("plan --dry-run", () => {
  it("shows what the daemon would do", async () => {
    const { symptom, plan } = sampleDecision;
    const refused = { symptom, plan, admitted: false, refusal: "the budget is spent" };
    const answers = { ...statusAnswers, [`GET ${base}/plan`]: { plans: [refused] } };
    const { code, stdout } = await runCli(["plan", "--dry-run"], await daemon(answers));
    expect(code).toBe(0);
    expect(stdout).toContain("set wlan0 down, and up again after 500 ms");
    expect(stdout).toContain("would refuse it: the budget is spent");
  });
});

describe("events", () => {
  const raised = (sequence: number) => {
    const symptom = { ...sampleDecision.symptom, severity: "warning", summary: `no ${sequence}` };
    const event = { sequence, wallMs: 0, event: { kind: "symptom-raised", symptom } };
    return `id: ${sequence}\nevent: symptom-raised\ndata: ${JSON.stringify(event)}\n\n`;
  };

  it("are followed through a break, from where it was", async () => {
    const lastIds: unknown[] = [];
    const options = await answering((request, response) => {
      lastIds.push(request.headers["last-event-id"]);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(raised(lastIds.length));
      if (lastIds.length === 1) response.end();
    });
    const signalOn = [/no 2/, "SIGINT"] as const;
    const { code, stdout } = await runCli(["events"], { ...options, signalOn });
    expect(code).toBe(130);
    expect(stdout).toMatch(/warning {2}no 1\n.*warning {2}no 2\n/);
    expect(lastIds).toEqual([undefined, "1"]);
  });
});

describe("whatever answers", () => {
  it.each<[string, RequestListener, number, string]>([
    ["an HTML page", (_, response) => response.end("<html>"), 1, "E_DAEMON_ANSWER"],
    ["another shape", (_, response) => response.end("{}"), 1, "expected text at"],
    ["endless data", (_, response) => flood(response), 1, "16 MiB"],
    ["a cut connection", ({ socket }) => socket.destroy(), 3, "E_DAEMON_UNREACHABLE"],
    ["nothing at all", () => undefined, 3, "no answer within 5 s"],
    [
      "a problem document",
      (_, response) => response.writeHead(500).end('{"code":"E_INTERNAL","detail":"broken"}'),
      1,
      "broken [E_INTERNAL]",
    ],
  ])("is survived: %s", async (_what, listener, expected, words) => {
    const { code, stderr } = await runCli(["explain", id], await answering(listener));
    expect(stderr).toContain(words);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(expected);
  });

  function flood(response: Parameters<RequestListener>[1]): void {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
      if (!response.destroyed) response.once("drain", more);
    };
    response.on("error", () => {});
    more();
  }
});
