import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ConfigInput,
  compileConfig,
  formatConfigFault,
  options,
  placeInFile,
  writeValue,
} from "../../../src/config/index.ts";

const machine: ConfigInput = {
  environment: {},
  flags: {},
  hostName: "roof-3",
  workingDirectory: "/srv",
};

function compile(yaml: string, more: Partial<ConfigInput> = {}) {
  return compileConfig({ ...machine, file: { path: "meshmend.yaml", text: yaml }, ...more });
}

/** The configuration; fails the test with the faults when there are any. */
function good(yaml: string, more: Partial<ConfigInput> = {}) {
  const compiled = compile(yaml, more);
  if (!compiled.ok) throw new Error(compiled.fault.map(formatConfigFault).join("\n"));
  return compiled.value;
}

function faults(yaml: string, more: Partial<ConfigInput> = {}): readonly string[] {
  const compiled = compile(yaml, more);
  return compiled.ok ? [] : compiled.fault.map(formatConfigFault);
}

describe("a configuration", () => {
  it("needs nothing to be written", () => {
    const { config, sources } = good("");
    expect(config.nodeId).toBe("roof-3");
    expect(config.dataDir).toBe("/srv/.meshmend");
    expect(config.mode).toBe("observe");
    expect(config.http).toEqual({
      listen: { host: "127.0.0.1", port: 8480 },
      maxBodyBytes: 65_536,
      maxConnections: 256,
      insecure: false,
    });
    expect(config.loop).toEqual({
      periodMs: 1_000,
      windowBeats: 120,
      maxSeries: 20_000,
      keepDecisions: 10_000,
    });
    expect(config.repair).toEqual({
      interfaces: ["*"],
      budgetPerHour: 6,
      coolDownMs: 30_000,
      verifyMs: 15_000,
      confirmMs: 900_000,
    });
    expect(config.thresholds).toEqual({
      flapChanges: 5,
      flapWindowMs: 30_000,
      errorRatio: 0.01,
      dropRatio: 0.05,
      targetFailures: 3,
      retransmitRatio: 0.1,
      pressureRatio: 0.5,
      linkLossRatio: 0.3,
      silentIntervals: 3,
      storageFreeRatio: 0.05,
    });
    expect(config.telemetry.otlpEndpoint).toBeNull();
    expect(new Set(Object.values(sources).map(({ kind }) => kind))).toEqual(new Set(["default"]));
  });

  it("is frozen through and through", () => {
    const { config } = good("targets: [icmp://10.0.0.1]");
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.http.listen)).toBe(true);
    expect(Object.isFrozen(config.targets[0])).toBe(true);
  });

  it("is read in the units in which it is written", () => {
    const { config } = good(`
http: { listen: "[::1]:0", maxBody: 128KiB }
loop: { period: 250ms }
repair: { coolDown: 1m, verify: 1.5s }
thresholds: { errorRatio: 2.5%, dropRatio: 0.2 }
`);
    expect(config.http.listen).toEqual({ host: "::1", port: 0 });
    expect(config.http.maxBodyBytes).toBe(131_072);
    expect(config.loop.periodMs).toBe(250);
    expect(config.repair.coolDownMs).toBe(60_000);
    expect(config.repair.verifyMs).toBe(1_500);
    expect(config.thresholds.errorRatio).toBe(0.025);
    expect(config.thresholds.dropRatio).toBe(0.2);
  });

  it("lets a target be its url alone, and names it so", () => {
    const { config } = good(
      "targets:\n  - icmp://10.0.0.1\n  - { name: dns, url: 'tcp://[::1]:53' }",
    );
    expect(config.targets).toEqual([
      { name: "icmp://10.0.0.1", url: "icmp://10.0.0.1", intervalMs: 5_000, timeoutMs: 2_000 },
      { name: "dns", url: "tcp://[::1]:53", intervalMs: 5_000, timeoutMs: 2_000 },
    ]);
  });

  it("keeps its state where systemd says", () => {
    const { config } = good("", { environment: { STATE_DIRECTORY: "/var/lib/meshmend" } });
    expect(config.dataDir).toBe("/var/lib/meshmend");
  });

  it("takes a section that is left empty", () => {
    expect(good("loop:\nhttp:\n").config.loop.periodMs).toBe(1_000);
  });
});

describe("the order of precedence", () => {
  const yaml = "mode: confirm\nlog: { level: warn }\n";

  it("is file, then environment, then flags, value by value", () => {
    const { config, sources } = good(yaml, {
      environment: { MESHMEND_MODE: "observe", MESHMEND_LOOP_PERIOD: "2s" },
      flags: { mode: "act", http: "localhost:9000" },
    });
    expect(config.mode).toBe("act");
    expect(config.loop.periodMs).toBe(2_000);
    expect(config.log.level).toBe("warn");
    expect(sources["mode"]).toEqual({ kind: "flag", name: "--mode" });
    expect(sources["loop.period"]).toEqual({ kind: "environment", name: "MESHMEND_LOOP_PERIOD" });
    expect(sources["log.level"]).toEqual({
      kind: "file",
      path: "meshmend.yaml",
      line: 2,
      column: 15,
    });
    expect(sources["log.format"]).toEqual({ kind: "default" });
  });

  it("replaces lists and does not join them", () => {
    const environment = { MESHMEND_INTERFACES_INCLUDE: "wlan*, eth0" };
    const { config } = good("interfaces: { include: [mesh0], exclude: [veth*] }", { environment });
    expect(config.interfaces).toEqual({ include: ["wlan*", "eth0"], exclude: ["veth*"] });
  });

  it("does not hide a fault under a stronger value", () => {
    expect(faults("mode: atc", { flags: { mode: "act" } })).toHaveLength(1);
  });

  it("remembers at least as long as it looks for flapping, however short the beat", () => {
    const quick = good("loop: { period: 100ms, window: 10 }\nthresholds: { flapWindow: 30s }");
    expect(quick.config.loop.windowBeats).toBe(301);
  });

  it("leaves alone what the setup and the tests say to each other", () => {
    const environment = {
      MESHMEND_TEST_OUTCOME: "/x",
      MESHMEND_SOAK: "1",
      MESHMEND_SETUP_APT: "no",
    };
    expect(good("", { environment }).config.mode).toBe("observe");
  });

  it("gives every option a name in the environment that sets it", () => {
    const samples: Readonly<Record<string, string>> = {
      nodeId: "n1",
      dataDir: "/d",
      targets: "icmp://h",
      "http.listen": "h:1",
      "grpc.listen": "h:1",
      "cluster.peer": "h:1",
      "cluster.advertise": "h:1",
      "cluster.join": "h:1,h:2",
      "cluster.tlsAuthority": "/a",
      "cluster.tlsCertificate": "/c",
      "cluster.tlsKey": "/k",
      "telemetry.otlpEndpoint": "http://h/v1",
      "mesh.discovery.mdns": "off",
      "mesh.discovery.interface": "br-lan",
      "mesh.discovery.seeds": "h:1,[::1]:2",
      "mesh.discovery.dhcp": "on",
      "log.level": "debug",
      "log.format": "json",
      mode: "act",
    };
    for (const { path, environmentName, schema } of options) {
      const text =
        samples[path] ??
        (schema.type === "array"
          ? "x,y"
          : schema.type === "boolean"
            ? "true"
            : String(schema.maximum));
      // A beat of a minute leaves no room for the default times; some options need each other.
      const environment = {
        MESHMEND_CLUSTER_PEER: "h:1",
        MESHMEND_CLUSTER_TLS_AUTHORITY: "/a",
        MESHMEND_CLUSTER_TLS_CERTIFICATE: "/c",
        MESHMEND_CLUSTER_TLS_KEY: "/k",
        MESHMEND_REPAIR_VERIFY: "600000",
        MESHMEND_THRESHOLDS_FLAP_WINDOW: "3600000",
        [environmentName]: text,
      };
      const { sources } = good("", { environment });
      expect(sources[path], environmentName).toEqual({
        kind: "environment",
        name: environmentName,
      });
    }
  });
});

describe("the group a node belongs to", () => {
  it("is one of its own unless something is said", () => {
    const { cluster } = good("").config;
    expect(cluster).toEqual({ peer: null, advertise: null, join: [], tls: null, insecure: false });
  });

  it("takes addresses and the three files of its certificate", () => {
    const yaml = `cluster:
  peer: 0.0.0.0:8482
  advertise: roof-3.mesh:8482
  join: [10.0.0.1:8482, "[fd00::2]:8482"]
  tlsAuthority: ca.pem
  tlsCertificate: /etc/node.pem
  tlsKey: /etc/node-key.pem
`;
    const { cluster } = good(yaml, { workingDirectory: "/srv" }).config;
    expect(cluster.join).toEqual([
      { host: "10.0.0.1", port: 8482 },
      { host: "fd00::2", port: 8482 },
    ]);
    expect(cluster.tls).toEqual({
      authorityPath: "/srv/ca.pem",
      certificatePath: "/etc/node.pem",
      keyPath: "/etc/node-key.pem",
    });
  });

  it.each([
    ["cluster: { join: [10.0.0.1:8482] }", "cluster.join"],
    ["cluster: { peer: a:1, join: [a:1] }", "cluster.join"],
    ["cluster: { advertise: a:1 }", "cluster.advertise"],
    ["cluster: { peer: 0.0.0.0:8482 }", "cluster.peer"],
    ["cluster: { peer: 127.0.0.1:0 }", "cluster.peer"],
    ["cluster: { peer: a:1, tlsKey: k, tlsCertificate: c }", "cluster.tlsAuthority"],
  ])("refuses %s", (yaml, path) => {
    expect(faults(yaml)).toEqual([expect.stringContaining(`${path}: expected`)]);
  });
});

describe("faults", () => {
  it("are reported all at once, in the order of the file, each with its place", () => {
    const yaml = `mode: acct
loop:
  period: 10ms
  peroid: 1s
http: nonsense
thresholds: { errorRatio: 200% }
`;
    expect(faults(yaml)).toEqual([
      'meshmend.yaml:1:7: mode: expected one of observe, confirm, act; seen "acct"',
      'meshmend.yaml:3:11: loop.period: expected a duration from 100ms to 1m, for example 1s; seen "10ms"',
      'meshmend.yaml:4:3: loop.peroid: expected the name of an option; seen "peroid" (did you mean period?)',
      expect.stringContaining("meshmend.yaml:5:7: http.listen: expected an address"),
      expect.stringContaining("meshmend.yaml:6:27: thresholds.errorRatio: expected a share"),
    ]);
  });

  it.each([
    ["a duplicate key", "mode: act\nmode: observe\n", "meshmend.yaml:2:1", "a second time"],
    ["a second document", "mode: act\n---\nmode: act\n", "meshmend.yaml:2:1", "one YAML document"],
    ["a tab", "loop:\n\tperiod: 1s\n", "meshmend.yaml:2:1", "indent with spaces"],
    ["a bare IPv6 address", "http: [::1]:8480\n", "meshmend.yaml:1:", 'quotes: "[::1]:8480"'],
    ["a tag", "mode: !odd act\n", "meshmend.yaml:1:", "Unresolved tag"],
    ["an unknown anchor", "mode: *act\n", "meshmend.yaml:1:7", "anchor"],
    ["an alias of itself", "loop: &a { period: *a }\n", "meshmend.yaml:1:", "16 levels"],
    ["a list at the top", "- mode\n", "meshmend.yaml:1:1", "a section with nodeId"],
    ["a list for a scalar", "mode: [act]\n", "meshmend.yaml:1:7", "seen a list"],
    ["a scalar for a section", "loop: 5\n", "meshmend.yaml:1:7", "a section with period"],
    ["a key that is no text", "1: 2\n", "meshmend.yaml:1:1", "a key that is not text"],
    ["a missing url", "targets: [{ name: a }]\n", "meshmend.yaml:1:11", "targets[0].url"],
    ["a name twice", "targets: [icmp://a, icmp://a]\n", "meshmend.yaml:1:21", "a name of its own"],
    ["an option in no section", "period: 1s\n", "meshmend.yaml:1:1", "did you mean loop.period?"],
    ["infinity", "loop: { period: .inf }\n", "meshmend.yaml:1:17", "a duration"],
    ["half a millisecond", "loop: { period: 1000.5 }\n", "meshmend.yaml:1:17", "a duration"],
    ["a prototype", "__proto__: { mode: act }\n", "meshmend.yaml:1:1", "the name of an option"],
    ["an inherited name", "toString: 1\n", "meshmend.yaml:1:1", "the name of an option"],
    ["no room to verify", "loop: { period: 10s }\n", "default", "at least 3 beats"],
  ])("name %s and where it is", (_what, yaml, place, words) => {
    const [first = "none", ...others] = faults(yaml);
    expect(others).toEqual([]);
    expect(first).toContain(`${place}`);
    expect(first).toContain(words);
  });

  it("name the variable and the flag", () => {
    const more = { environment: { MESHMEND_HTTP: "8480" }, flags: { mode: "on" } };
    expect(faults("", more)).toEqual([
      expect.stringContaining("environment MESHMEND_HTTP: http.listen: expected an address"),
      expect.stringContaining("flag --mode: mode: expected one of"),
    ]);
  });

  it("name a variable that is no option, and the one that was meant", () => {
    expect(faults("", { environment: { MESHMEND_LOOP_PEROID: "1s" } })).toEqual([
      expect.stringContaining("did you mean MESHMEND_LOOP_PERIOD?"),
    ]);
  });

  it("are not found in what Kubernetes adds for a service called meshmend", () => {
    const links = {
      MESHMEND_SERVICE_HOST: "10.0.0.7",
      MESHMEND_SERVICE_PORT: "8480",
      MESHMEND_SERVICE_PORT_HTTP: "8480",
      MESHMEND_PORT: "tcp://10.0.0.7:8480",
      MESHMEND_PORT_8480_TCP: "tcp://10.0.0.7:8480",
      MESHMEND_PORT_8480_TCP_PROTO: "tcp",
      MESHMEND_PORT_8480_TCP_ADDR: "10.0.0.7",
      MESHMEND_EDGE_SERVICE_HOST: "10.0.0.8",
    };
    expect(faults("", { environment: links })).toEqual([]);
    expect(faults("", { environment: { MESHMEND_HTTP_PORT: "8080" } })).toHaveLength(1);
  });

  it("name the host name when it cannot be the node's", () => {
    expect(faults("", { hostName: "my host" })[0]).toContain("set nodeId");
    expect(faults("nodeId: fine", { hostName: "my host" })).toEqual([]);
  });

  it("are counted when there are too many to list", () => {
    const lines = Array.from({ length: 500 }, (_, index) => `k${index}: 1`).join("\n");
    const told = faults(lines);
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toContain("at most 100 faults; seen 500");
  });
});

describe("how other nodes are found", () => {
  it("is written in a section within the mesh, or in the environment", () => {
    const yaml =
      "mesh:\n  discovery:\n    mdns: off\n    seeds: [10.0.0.7:8480]\n    announce: 5s\n";
    const environment = { MESHMEND_MESH_DISCOVERY_DHCP_OPTION: "230" };
    expect(good(yaml, { environment }).config.mesh).toEqual({
      interface: "auto",
      discovery: {
        mdns: "off",
        interface: "auto",
        seeds: [{ host: "10.0.0.7", port: 8_480 }],
        dhcp: "auto",
        dhcpOption: 230,
        announceIntervalMs: 5_000,
      },
    });
  });

  it("is refused with a seed without a port, or an option that is nobody's own", () => {
    const yaml = "mesh: { discovery: { seeds: [hill, 'hill:0'], dhcpOption: 43 } }";
    const compiled = compile(yaml);
    const faults = compiled.ok ? [] : compiled.fault.map(formatConfigFault);
    expect(faults).toEqual([
      expect.stringContaining("mesh.discovery.seeds[0]: expected an address"),
      expect.stringContaining("mesh.discovery.dhcpOption: expected a whole number from 224 to 254"),
    ]);
    const zero = compile("mesh: { discovery: { seeds: ['hill:0'] } }");
    expect(zero.ok ? [] : zero.fault.map(({ code }) => code)).toEqual(["E_CONFIG_CONFLICT"]);
  });
});

describe("limits", () => {
  it("hold against a file that is too large", () => {
    expect(faults(`# ${"x".repeat(1_048_576)}`)[0]).toContain("at most 1 MiB");
  });

  it("hold against more values than any configuration has", () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `k${index}: 1`).join("\n");
    expect(faults(lines).at(-1)).toContain("at most");
  });

  it("hold against aliases that multiply", () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const inner = level === 0 ? "x" : `*l${level - 1}`;
      return `l${level}: &l${level} [${Array(9).fill(inner).join(", ")}]`;
    });
    expect(faults(levels.join("\n")).some((each) => each.includes("20000 values"))).toBe(true);
  });
});

describe("whatever is written", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.json(),
    fc
      .array(
        fc.constantFrom(
          "mode",
          ":",
          " ",
          "\n",
          "- ",
          "[",
          "]",
          "{",
          "}",
          "&a",
          "*a",
          "loop",
          "1s",
          '"',
          "'",
          "|",
          "?",
          "!",
          "%",
          "#",
          "\t",
        ),
      )
      .map((parts) => parts.join("")),
  );

  it("is answered with a configuration or with faults, never with an exception", () => {
    fc.assert(
      fc.property(
        anything,
        fc.dictionary(fc.constantFrom(...options.map((each) => each.environmentName)), fc.string()),
        (yaml, environment) => {
          const compiled = compile(yaml, { environment });
          expect(compiled.ok || compiled.fault.length > 0).toBe(true);
        },
      ),
      { numRuns: process.env["MESHMEND_SOAK"] === "1" ? 100_000 : 500 },
    );
  });

  it("can be printed and read again to the same configuration", () => {
    const ranged = options.filter(
      ({ schema }) => schema.minimum !== undefined && schema.type === "integer",
    );
    const numbers = fc.record(
      Object.fromEntries(
        ranged.map(({ path, schema }) => [
          path,
          fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 0 }),
        ]),
      ),
      { requiredKeys: [] },
    );
    const names = fc.array(
      fc.string({ minLength: 1, maxLength: 20 }).filter((text) => text.trim() === text),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(numbers, names, (values, include) => {
        const chosen: Record<string, unknown> = { ...values, "interfaces.include": include };
        const first = compile(printed(chosen));
        if (!first.ok) {
          // Values that do not go together are the one thing that may be wrong here.
          const codes = new Set(first.fault.map(({ code }) => code));
          expect([...codes]).toEqual(["E_CONFIG_CONFLICT"]);
          return;
        }
        const again = good(printed(first.value.values));
        expect(again.config).toEqual(first.value.config);
        expect(again.config.interfaces.include).toEqual(include);
      }),
      { numRuns: 200 },
    );
  });

  function printed(values: Readonly<Record<string, unknown>>): string {
    const lines: string[] = [];
    let before: (typeof options)[number] | null = null;
    for (const option of options) {
      const { path, keys, schema } = option;
      if (!(path in values)) continue;
      const { headings, indent } = placeInFile(option, before);
      before = option;
      lines.push(...headings, `${indent}${keys.at(-1)}: ${writeValue(schema, values[path])}`);
    }
    return lines.join("\n");
  }
});
