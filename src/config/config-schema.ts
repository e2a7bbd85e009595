/**
 * The one definition of every option: its type, range, default, notation and description. The
 * loader, the environment names, the flags, docs/configuration.md and the JSON Schema for
 * editors are all derived from it. Values here are in the program's units (milliseconds, bytes,
 * shares of 1); the `notation` says how people may write them.
 */

import type { Static, TProperties, TSchemaOptions } from "typebox";
import { Type } from "../json-schema/type.ts";

/** How a scalar is written. */
export type Notation =
  | "duration"
  | "size"
  | "ratio"
  | "address"
  | "optional-address"
  | "optional-path"
  | "probe-url"
  | "url";

/** What this project adds to JSON Schema; ajv is told to let these keywords pass. */
export const ownKeywords = [
  "notation",
  "flag",
  "shorthand",
  "computedDefault",
  "example",
  "form",
] as const;

interface Annotations extends TSchemaOptions {
  readonly description: string;
  /** The name of the flag of `meshmend run`, without dashes. */
  readonly flag?: string;
  /** What stands in the reference where the default depends on the machine. */
  readonly computedDefault?: string;
  /** As written in meshmend.yaml. */
  readonly example?: string;
  /** The pattern in words. */
  readonly form?: string;
}

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly default: number;
}

const duration = (options: Annotations & Range) =>
  Type.Integer({ notation: "duration", ...options });
const size = (options: Annotations & Range) => Type.Integer({ notation: "size", ...options });
const ratio = (description: string, preset: number) =>
  Type.Number({ notation: "ratio", minimum: 0, maximum: 1, default: preset, description });
const count = (options: Annotations & Range) => Type.Integer(options);
const patterns = (description: string, preset: readonly string[], example: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
    default: preset,
    maxItems: 256,
    description,
    example,
  });

const section = <Properties extends TProperties>(
  description: string,
  properties: Properties,
  shorthand?: string & keyof Properties,
) =>
  Type.Object(properties, {
    additionalProperties: false,
    description,
    ...(shorthand === undefined ? {} : { shorthand }),
  });

const optional = (notation: "optional-address" | "optional-path", options: Annotations) =>
  Type.Union([Type.String(), Type.Null()], { notation, default: null, ...options });

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

const http = section(
  "Where the daemon answers.",
  {
    listen: Type.String({
      notation: "address",
      default: "127.0.0.1:8480",
      flag: "http",
      description:
        "Address of the HTTP face, as `host:port` or `[ipv6]:port` (in quotes: YAML reads a bare " +
        "`[` as a list). Port 0 lets the system choose. May be written `http: host:port` for short.",
      example: '"[::1]:8480"',
    }),
    maxBody: size({
      minimum: 1_024,
      maximum: 16 * 1_048_576,
      default: 65_536,
      description: "Request bodies above this are refused with 413.",
    }),
    maxConnections: count({
      minimum: 1,
      maximum: 10_000,
      default: 256,
      description: "Connections open at once; further ones are refused and counted.",
    }),
    insecure: Type.Boolean({
      default: false,
      description:
        "Allows an address that is not loopback. There is no authentication: whoever reaches " +
        "the port can read everything and answer confirmations.",
    }),
  },
  "listen",
);

const grpc = section(
  "Where etcd's clients find the agreed map (the etcd v3 gRPC API).",
  {
    listen: Type.String({
      notation: "address",
      default: "127.0.0.1:8481",
      flag: "grpc",
      description:
        "Address of the gRPC face, as `host:port` or `[ipv6]:port`. Port 0 lets the system choose. " +
        "May be written `grpc: host:port` for short.",
      example: '"[::1]:8481"',
    }),
    maxRequest: size({
      minimum: 1_024,
      maximum: 1_572_864,
      default: 1_572_864,
      description: "Requests above this that would change something are refused, as etcd does.",
    }),
    maxConnections: count({
      minimum: 1,
      maximum: 10_000,
      default: 1_024,
      description: "Connections open at once; further ones are refused and counted.",
    }),
    insecure: Type.Boolean({
      default: false,
      description:
        "Allows an address that is not loopback. There is no authentication: whoever reaches " +
        "the port can read and write every key.",
    }),
  },
  "listen",
);

const loop = section("The control loop.", {
  period: duration({
    minimum: 100,
    maximum: minute,
    default: second,
    description: "The beat: how often the node looks and decides.",
  }),
  window: count({
    minimum: 10,
    maximum: 10_000,
    default: 120,
    description:
      "Beats of history kept in memory per series; at least what thresholds.flapWindow needs.",
  }),
  maxSeries: count({
    minimum: 100,
    maximum: 1_000_000,
    default: 20_000,
    description: "Series kept at most; what comes after is not recorded, and counted.",
  }),
  keepDecisions: count({
    minimum: 100,
    maximum: 1_000_000,
    default: 10_000,
    description: "Decisions kept on disk; the oldest go first.",
  }),
});

const interfaces = section("Which network interfaces are watched.", {
  include: patterns("Patterns (`*`, `?`) of interfaces to watch.", ["*"], "[wlan*, mesh*, eth0]"),
  exclude: patterns(
    "Patterns of interfaces to leave out, stronger than `include`. The loopback interface is " +
      "never watched. On a machine with containers, leave out their ends of the wire.",
    [],
    "[veth*, docker*, br-*]",
  ),
});

const sourceState = (description: string) =>
  Type.Enum(["auto", "on", "off"], { default: "auto", description });
const interfaceName = "^[^-/:\\s][^/:\\s]{0,14}$";

const discovery = section("How other nodes that run meshmend are found.", {
  mdns: sourceState(
    "Multicast DNS on one interface. `auto`: once batman-adv is seen on it, or it is named by " +
      "`mesh.discovery.interface`; `on`: on whatever interface `mesh.interface` names; `off`: " +
      "nothing is sent and nothing is heard.",
  ),
  interface: Type.String({
    pattern: interfaceName,
    default: "auto",
    form: "1 to 15 characters without `/`, `:` and blanks; `auto`",
    description:
      "Where multicast DNS is spoken and whose DHCP lease is read. `auto`: the mesh interface. " +
      "Where that is part of a bridge, the bridge has the addresses: name it.",
    example: "br-lan",
  }),
  seeds: Type.Array(Type.String({ notation: "address" }), {
    default: [],
    maxItems: 64,
    description:
      "HTTP addresses of other nodes, asked who they are every `announce`. They answer only where " +
      "their `http.listen` is not loopback.",
    example: "[10.0.0.7:8480]",
  }),
  dhcp: sourceState(
    "Seeds from the DHCP lease of that interface. `auto`: if there is one; `on`: a missing lease " +
      "is shown in `/health`; `off`: none is read.",
  ),
  dhcpOption: count({
    minimum: 224,
    maximum: 254,
    default: 224,
    description:
      "The private DHCP option that carries seeds: text, `ADDRESS:PORT` separated by commas. " +
      "dhclient.conf may also name it `meshmend-seeds`.",
  }),
  announce: duration({
    minimum: second,
    maximum: hour,
    default: minute,
    description:
      "How often this node announces itself and asks the seeds; a peer that is silent three times " +
      "as long is gone.",
  }),
});

const mesh = section(
  "The mesh this node belongs to.",
  {
    interface: Type.String({
      pattern: interfaceName,
      default: "auto",
      flag: "mesh-interface",
      form: "1 to 15 characters without `/`, `:` and blanks; `auto` or `none`",
      description:
        "The batman-adv interface. `auto` takes the one there is, and none where there are several; " +
        "`none` does not look. May be written `mesh: bat0` for short.",
      example: "bat0",
    }),
    discovery,
  },
  "interface",
);

const target = section(
  "One probed address.",
  {
    name: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._:/\\[\\]-]{0,127}$",
      form: "1 to 128 letters, digits and . _ : / [ ] -, the first a letter or digit",
      description: "A name for people; unique.",
      computedDefault: "the url",
      example: "gateway",
    }),
    url: Type.String({
      notation: "probe-url",
      description: "The address. A host name is looked up by `getent`.",
      example: "icmp://10.0.0.1",
    }),
    interval: duration({
      minimum: 100,
      maximum: hour,
      default: 5 * second,
      description: "How often it is probed.",
    }),
    timeout: duration({
      minimum: 50,
      maximum: minute,
      default: 2 * second,
      description: "How long an answer may take; at most the interval.",
    }),
  },
  "url",
);

const repair = section("How the node repairs itself.", {
  interfaces: patterns(
    "Patterns of interfaces that may be touched in mode `confirm` and `act`.",
    ["*"],
    "[wlan*]",
  ),
  budgetPerHour: count({
    minimum: 0,
    maximum: 1_000,
    default: 6,
    description: "Disruptive actions allowed per hour.",
  }),
  coolDown: duration({
    minimum: second,
    maximum: hour,
    default: 30 * second,
    description:
      "The first wait after a repair that did not help; it doubles each time, up to an hour.",
  }),
  verify: duration({
    minimum: second,
    maximum: 10 * minute,
    default: 15 * second,
    description: "How long a repair has to show that it helped, before it is taken back.",
  }),
  confirm: duration({
    minimum: 10 * second,
    maximum: 24 * hour,
    default: 15 * minute,
    description: "How long a plan waits for a person in mode `confirm`.",
  }),
});

const thresholds = section("From when on something is a symptom.", {
  flapChanges: count({
    minimum: 2,
    maximum: 1_000,
    default: 5,
    description: "Carrier changes within `flapWindow` from which an interface flaps.",
  }),
  flapWindow: duration({
    minimum: second,
    maximum: hour,
    default: 30 * second,
    description: "The time over which carrier changes are counted.",
  }),
  errorRatio: ratio("Share of packets with errors.", 0.01),
  dropRatio: ratio("Share of packets dropped.", 0.05),
  targetFailures: count({
    minimum: 1,
    maximum: 100,
    default: 3,
    description: "Failed probes in a row from which a target is unreachable.",
  }),
  retransmitRatio: ratio("Share of TCP segments sent again.", 0.1),
  pressureRatio: ratio("Share of the last 10 s in which some task waited for a resource.", 0.5),
  linkLossRatio: ratio(
    "Share of a neighbour's messages lost on a link of the mesh; above it the link is avoided.",
    0.3,
  ),
  silentIntervals: count({
    minimum: 2,
    maximum: 1_000,
    default: 3,
    description: "Intervals without a message after which a neighbour of the mesh is silent.",
  }),
  storageFreeRatio: ratio("Free share of the data directory's file system, below it is low.", 0.05),
});

const cluster = section(
  "The group of nodes that agree with each other. Alone, a node is a group of one.",
  {
    peer: optional("optional-address", {
      flag: "peer",
      description:
        "Where other nodes of the group reach this one. Without it there is no peer port, and nobody " +
        "can join. Beyond loopback it needs `tls`. May be changed: the group is told at the next start.",
      example: "10.0.0.1:8482",
    }),
    advertise: optional("optional-address", {
      description:
        "The peer address as the others see it, where that differs from `peer` (which may be 0.0.0.0).",
      example: "roof-3.mesh:8482",
    }),
    join: Type.Array(Type.String({ notation: "address" }), {
      default: [],
      maxItems: 16,
      flag: "join",
      description:
        "Peer addresses of members to ask for admission at the first start; any one of them is " +
        "enough. A node that has data is a member already, and says that it ignores this.",
      example: "[10.0.0.1:8482]",
    }),
    tlsAuthority: optional("optional-path", {
      description: "PEM file with the authorities whose certificates peers must have.",
      example: "/etc/meshmend/peer-ca.pem",
    }),
    tlsCertificate: optional("optional-path", {
      description:
        "PEM file with this node's certificate; it names the node as `URI:spiffe://DOMAIN/node/NODE_ID` " +
        "or as a DNS name equal to the node id. Read anew when it changes.",
      example: "/etc/meshmend/peer.pem",
    }),
    tlsKey: optional("optional-path", {
      description: "PEM file with the key of that certificate.",
      example: "/etc/meshmend/peer-key.pem",
    }),
    insecure: Type.Boolean({
      default: false,
      description:
        "Allows peers to speak plaintext beyond loopback: whoever reaches the peer port can change " +
        "the group and its data. Logged, and shown in `/health`.",
    }),
  },
);

export const configSchema = section("One node of meshmend.", {
  nodeId: Type.String({
    pattern: "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$",
    flag: "node-id",
    computedDefault: "the host name",
    form: "1 to 63 letters, digits and . _ -, the first and last a letter or digit",
    description: "This node's name in the mesh and in every record.",
    example: "roof-3",
  }),
  dataDir: Type.String({
    minLength: 1,
    maxLength: 4_096,
    flag: "data-dir",
    computedDefault: "`/var/lib/meshmend` under systemd (`STATE_DIRECTORY`), else `./.meshmend`",
    description: "Where decisions and the crash journal are kept; one daemon a directory.",
    example: "/var/lib/meshmend",
  }),
  mode: Type.Enum(["observe", "confirm", "act"], {
    default: "observe",
    flag: "mode",
    description: "`observe` only plans, `confirm` asks a person first, `act` repairs.",
    example: "act",
  }),
  http,
  grpc,
  cluster,
  loop,
  interfaces,
  mesh,
  targets: Type.Array(target, {
    default: [],
    maxItems: 64,
    description:
      "Addresses whose reachability is probed. An entry may be the url alone; in the environment, " +
      "urls separated by commas.",
    example: "[icmp://10.0.0.1]",
  }),
  repair,
  thresholds,
  log: section("What the daemon writes to its log.", {
    level: Type.Enum(["debug", "info", "warn", "error"], {
      default: "info",
      flag: "log-level",
      description: "Lines below this level are not written.",
    }),
    format: Type.Enum(["auto", "json", "pretty"], {
      default: "auto",
      flag: "log-format",
      description: "`auto` is pretty on a terminal and JSON elsewhere.",
    }),
  }),
  telemetry: section("Where traces go.", {
    otlpEndpoint: Type.Union([Type.String({ notation: "url" }), Type.Null()], {
      default: null,
      notation: "url",
      description: "OTLP/HTTP endpoint for traces; null turns tracing off.",
      example: "http://127.0.0.1:4318/v1/traces",
    }),
  }),
});

/** A complete configuration as the schema has it: program units, friendly names. */
export type WrittenConfig = Static<typeof configSchema>;
