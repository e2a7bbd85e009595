/**
 * The command tree: names, options, help and examples. It loads nothing heavy; each command's
 * code is imported when it is called, so that `--help` and completion are quick.
 */

import { Command, InvalidArgumentError, Option } from "commander";
import { packageVersion } from "../node/version.ts";
import type { ExitCode } from "./exit-code.ts";
import { addStore } from "./store-program.ts";
import type { Terminal } from "./terminal.ts";

/** `kv lock` ends as the command it ran, with any number. */
type Finish = (code: ExitCode | number) => void;

/** `finish` is told each command's exit code. */
export function createProgram(terminal: Terminal, finish: Finish): Command {
  const program = new Command("meshmend")
    .description("Watches a mesh node, repairs it, proves the repair, or takes it back.")
    .exitOverride()
    // So that the options of a command that `kv lock` runs stay that command's.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError("(see --help)")
    .configureOutput({ writeOut: terminal.write, writeErr: terminal.complain })
    .version(versionLine(), "-V, --version", "Print the version.")
    .helpCommand("help [command]", "Help for a command.")
    .helpOption("-h, --help", "Show this help.");
  addDaemon(program, terminal, finish);
  addQuestions(program, terminal, finish);
  addDecisions(program, terminal, finish);
  addMembers(program, terminal, finish);
  addStore(program, { terminal, finish, withExamples, wholeNumber, configOptions });
  addMachine(program, terminal, finish);
  addConfig(program, terminal, finish);
  withExamples(program, [
    "meshmend run",
    "meshmend status --watch",
    "meshmend explain last",
    "meshmend plan --dry-run",
  ]);
  return program;
}

const versionLine = (): string => `meshmend ${packageVersion()} (Node ${process.versions.node})`;

function withExamples(command: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  ${example}\n`).join("");
  return command.addHelpText("after", `\nExamples:\n${lines}`);
}

function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= from && value <= to) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${from} to ${to}.`);
  };
}

const httpOption = () =>
  new Option(
    "--http <host:port>",
    "the daemon's address (else MESHMEND_HTTP, the configuration's, 127.0.0.1:8480)",
  );
const jsonOption = () => new Option("--json", "print JSON");

/** The flags that stand for options of the configuration; a test holds them against the schema. */
const configOptions = (): readonly Option[] => [
  new Option(
    "-c, --config <file>",
    "configuration file (else ./meshmend.yaml, /etc/meshmend/meshmend.yaml)",
  ),
  new Option("--mode <mode>", "observe, confirm or act"),
  new Option("--http <host:port>", "address of the HTTP face; port 0 lets the system choose"),
  new Option("--grpc <host:port>", "address of the etcd v3 API; port 0 lets the system choose"),
  new Option("--data-dir <directory>", "where decisions and the crash journal are kept"),
  new Option(
    "--mesh-interface <name>",
    "the batman-adv interface; auto (the one there is) or none",
  ),
  new Option("--node-id <name>", "this node's name; else the host name"),
  new Option("--peer <host:port>", "where other nodes of the group reach this one"),
  new Option("--join <host:port,...>", "peer addresses of members to ask for admission"),
  new Option("--log-level <level>", "debug, info, warn or error"),
  new Option("--log-format <format>", "auto, json or pretty"),
];

function addOptions(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

function addDaemon(program: Command, terminal: Terminal, finish: Finish): void {
  const run = program.command("run").description("Run the daemon until SIGTERM or Ctrl-C.");
  addOptions(run, configOptions());
  run.action(async (options: Parameters<typeof import("./commands/run.ts").run>[1]) => {
    const command = await import("./commands/run.ts");
    finish(await command.run(terminal, options));
  });
  withExamples(run, [
    "meshmend run",
    "meshmend run --mode act --http 127.0.0.1:0 --data-dir /tmp/meshmend",
    "MESHMEND_LOOP_PERIOD=500ms meshmend run --config node.yaml",
  ]);
}

function addQuestions(program: Command, terminal: Terminal, finish: Finish): void {
  const status = program
    .command("status")
    .description("How the node is: components, symptoms, latest decisions.")
    .addOption(httpOption())
    .addOption(jsonOption())
    .option("-w, --watch", "redraw each second")
    .action(async (options: import("./commands/status.ts").StatusOptions) => {
      const command = await import("./commands/status.ts");
      finish(await command.status(terminal, options));
    });
  withExamples(status, ["meshmend status", "meshmend status --watch", "meshmend status --json"]);
  const events = program
    .command("events")
    .description("Follow what the node sees and does.")
    .addOption(httpOption())
    .addOption(new Option("--json", "print one JSON object a line"))
    .option("--after <sequence>", "begin after this event", wholeNumber(0, 999_999_999))
    .action(async (options: import("./commands/events.ts").EventsOptions) => {
      const command = await import("./commands/events.ts");
      finish(await command.events(terminal, options));
    });
  withExamples(events, ["meshmend events", "meshmend events --after 0 --json"]);
  const topology = program
    .command("topology")
    .description(
      "The mesh as this node sees it: who is there, over which links, and where it breaks.",
    )
    .addOption(httpOption())
    .addOption(new Option("--json", "print NetJSON (NetworkGraph)"))
    .addOption(new Option("--dot", "print it for Graphviz").conflicts("json"))
    .action(async (options: import("./commands/topology.ts").TopologyOptions) => {
      const command = await import("./commands/topology.ts");
      finish(await command.topology(terminal, options));
    });
  withExamples(topology, ["meshmend topology", "meshmend topology --dot | dot -Tsvg > mesh.svg"]);
  const peers = program
    .command("peers")
    .description("Which other nodes run meshmend, and how they were found.")
    .addOption(httpOption())
    .addOption(jsonOption())
    .action(async (options: import("./commands/peers.ts").PeersOptions) => {
      const command = await import("./commands/peers.ts");
      finish(await command.peers(terminal, options));
    });
  withExamples(peers, ["meshmend peers", "meshmend peers --json"]);
  const plan = program
    .command("plan")
    .description("What would be done now, and why; asks the daemon, or looks at this machine.")
    .option("--dry-run", "only show it (plans are carried out by the daemon alone)")
    .option("--beats <number>", "how long to look without a daemon", wholeNumber(2, 600), 5)
    .addOption(jsonOption());
  addOptions(plan, configOptions());
  plan.action(async (options: import("./commands/plan.ts").PlanOptions) => {
    const command = await import("./commands/plan.ts");
    finish(await command.plan(terminal, options));
  });
  withExamples(plan, ["meshmend plan --dry-run", "meshmend plan --dry-run --beats 30 --json"]);
}

function addDecisions(program: Command, terminal: Terminal, finish: Finish): void {
  const decisions = program
    .command("decisions")
    .description("The latest decisions, newest first.")
    .addOption(httpOption())
    .addOption(jsonOption())
    .option("-n, --limit <number>", "at most this many", wholeNumber(1, 10_000), 20)
    .action(async (options: import("./commands/decisions.ts").DecisionsOptions) => {
      const command = await import("./commands/decisions.ts");
      finish(await command.decisions(terminal, options));
    });
  withExamples(decisions, ["meshmend decisions", "meshmend decisions --limit 100 --json"]);
  const reference = "the decision's id, the beginning of one, or last";
  const explain = program
    .command("explain")
    .description("Why a decision was made, and what came of it.")
    .argument("<id>", reference)
    .addOption(httpOption())
    .addOption(jsonOption())
    .action(async (id: string, options: import("./commands/decisions.ts").ExplainOptions) => {
      const command = await import("./commands/decisions.ts");
      finish(await command.explain(terminal, id, options));
    });
  withExamples(explain, ["meshmend explain last", "meshmend explain 01KAJ6Q9"]);
  for (const [name, approve, description] of [
    ["confirm", true, "Let a waiting decision go ahead."],
    ["deny", false, "Refuse a waiting decision."],
  ] as const) {
    const command = program
      .command(name)
      .description(description)
      .argument("<id>", `${reference} (the latest that waits)`)
      .addOption(httpOption())
      .action(async (id: string, options: import("./daemon-address.ts").DaemonOptions) => {
        const { answer } = await import("./commands/decisions.ts");
        finish(await answer(terminal, id, approve, options));
      });
    withExamples(command, [`meshmend ${name} last`, `meshmend ${name} 01KAJ6Q9`]);
  }
}

function addMembers(program: Command, terminal: Terminal, finish: Finish): void {
  const member = program
    .command("member")
    .description("The group of nodes that agree with each other: who is in it, and who leads.");
  type Options = import("./commands/member.ts").MemberOptions;
  const commands = () => import("./commands/member.ts");
  const sub = (name: string, description: string) =>
    member.command(name).description(description).addOption(httpOption()).addOption(jsonOption());
  const list = sub("list", "The members as this node sees them.").action(
    async (options: Options) => {
      finish(await (await commands()).listMembers(terminal, options));
    },
  );
  withExamples(list, ["meshmend member list", "meshmend member list --json"]);
  const add = sub("add", "Take a node in. A node started with --join asks for this by itself.")
    .argument("<id>", "its node id")
    .argument("<address>", "its peer address, host:port")
    .option("--learner", "leave it a learner: it receives everything and does not vote")
    .action(
      async (id: string, address: string, options: Options & { readonly learner?: boolean }) => {
        finish(await (await commands()).addMember(terminal, id, address, options));
      },
    );
  withExamples(add, ["meshmend member add roof-4 10.0.0.4:8482"]);
  const remove = sub(
    "remove",
    "Let a member go: it learns of it and stops. Also for one that is lost.",
  )
    .argument("<id>", "its node id")
    .action(async (id: string, options: Options) => {
      finish(await (await commands()).removeMember(terminal, id, options));
    });
  withExamples(remove, ["meshmend member remove roof-4"]);
  const promote = sub("promote", "Make a learner a voter.")
    .argument("<id>", "its node id")
    .action(async (id: string, options: Options) => {
      finish(await (await commands()).promoteMember(terminal, id, options));
    });
  withExamples(promote, ["meshmend member promote roof-4"]);
  const transfer = sub(
    "transfer",
    "Hand leadership to a member, or to whom the leader thinks best.",
  )
    .argument("[id]", "its node id")
    .action(async (id: string | undefined, options: Options) => {
      finish(await (await commands()).transferLeadership(terminal, id ?? null, options));
    });
  withExamples(transfer, ["meshmend member transfer", "meshmend member transfer roof-2"]);
  withExamples(member, ["meshmend member list", "meshmend member remove roof-4"]);
  const cluster = program.command("cluster").description("Offline work on this node's group.");
  const recover = cluster
    .command("recover")
    .description(
      "The last resort: make this node, stopped, the only member of a new group with its data.",
    )
    .option("--force-new-cluster", "say that the other members will never come back");
  addOptions(recover, configOptions());
  recover.action(async (options: import("./commands/cluster.ts").RecoverOptions) => {
    const command = await import("./commands/cluster.ts");
    finish(await command.recoverCluster(terminal, options));
  });
  withExamples(recover, [
    "meshmend cluster recover --force-new-cluster --data-dir /var/lib/meshmend",
  ]);
  withExamples(cluster, ["meshmend cluster recover --force-new-cluster"]);
}

function addMachine(program: Command, terminal: Terminal, finish: Finish): void {
  const doctor = program
    .command("doctor")
    .description("What this machine lets meshmend do, what is missing, and how to get it.")
    .addOption(jsonOption());
  addOptions(doctor, configOptions());
  doctor.action(async (options: import("./commands/doctor.ts").DoctorOptions) => {
    const command = await import("./commands/doctor.ts");
    finish(await command.doctor(terminal, options));
  });
  withExamples(doctor, ["meshmend doctor", "sudo meshmend doctor --json"]);
  const completion = program
    .command("completion")
    .description("Print a completion script for a shell.")
    .addArgument(program.createArgument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
    .action(async (shell: import("./completion.ts").Shell) => {
      const { completionScript } = await import("./completion.ts");
      terminal.write(completionScript(program, shell));
      finish(0);
    });
  withExamples(completion, [
    "source <(meshmend completion bash)",
    'meshmend completion zsh > "$' + '{fpath[1]}/_meshmend"',
    "meshmend completion fish > ~/.config/fish/completions/meshmend.fish",
  ]);
  const version = program
    .command("version")
    .description("Print the version.")
    .action(() => {
      terminal.write(`${versionLine()}\n`);
      finish(0);
    });
  withExamples(version, ["meshmend version"]);
}

function addConfig(program: Command, terminal: Terminal, finish: Finish): void {
  const config = program.command("config").description("Check and show the configuration.");
  const check = config.command("check").description("Report every fault at once; start nothing.");
  addOptions(check, configOptions());
  check.action(async (options: import("./commands/config.ts").RunFlags) => {
    const command = await import("./commands/config.ts");
    finish(await command.configCheck(terminal, options));
  });
  withExamples(check, ["meshmend config check", "meshmend config check --config node.yaml"]);
  const print = config
    .command("print")
    .description("Every value and where it comes from, as YAML that can be used again.")
    .addOption(jsonOption());
  addOptions(print, configOptions());
  print.action(async (options: import("./commands/config.ts").ConfigPrintOptions) => {
    const command = await import("./commands/config.ts");
    finish(await command.configPrint(terminal, options));
  });
  withExamples(print, ["meshmend config print", "meshmend config print --mode act --json"]);
  const reference = config
    .command("reference")
    .description("Every option with its type, default, environment name and flag.")
    .option("--json-schema", "print a JSON Schema of meshmend.yaml for editors")
    .action(async (options: { readonly jsonSchema?: boolean }) => {
      const command = await import("./commands/config.ts");
      finish(command.configPrintReference(terminal, options.jsonSchema === true));
    });
  withExamples(reference, [
    "meshmend config reference",
    "meshmend config reference --json-schema > meshmend.schema.json",
  ]);
  withExamples(config, ["meshmend config check", "meshmend config print"]);
}
