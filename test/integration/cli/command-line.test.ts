import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "./run-cli.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "meshmend-cli-"));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const cli = (...words: string[]) => runCli(words, { cwd });

const fiveFaults = `mode: acct
loop:
  period: 10ms
  peroid: 1s
http: nonsense
thresholds: { errorRatio: 200% }
`;

describe("a wrong configuration", () => {
  it.each(["run", "config check"])(
    "keeps `%s` from starting, with a line for each fault",
    async (command) => {
      writeFileSync(join(cwd, "five.yaml"), fiveFaults);
      const { code, stdout, stderr } = await cli(...command.split(" "), "--config", "five.yaml");
      expect(code).toBe(2);
      expect(stdout).toBe("");
      const lines = stderr.trim().split("\n");
      expect(lines.map((line) => line.split(": ")[0])).toEqual([
        "five.yaml:1:7",
        "five.yaml:3:11",
        "five.yaml:4:3",
        "five.yaml:5:7",
        "five.yaml:6:27",
      ]);
      expect(lines[2]).toContain("did you mean period?");
    },
  );

  it("is told when the file that was named is not there", async () => {
    const { code, stderr } = await cli("config", "check", "--config", "absent.yaml");
    expect(code).toBe(2);
    expect(stderr).toContain("absent.yaml");
  });

  it("may come through a pipe, and is not waited for when nobody writes into it", async () => {
    const pipe = join(cwd, "pipe.yaml");
    execFileSync("mkfifo", [pipe]);
    const silent = await cli("config", "check", "--config", "pipe.yaml");
    expect(silent).toMatchObject({ code: 2, stdout: "" });
    expect(silent.stderr).toContain("a pipe that said nothing");
    const writer = spawn("sh", ["-c", `echo 'mode: acct' > '${pipe}'`]);
    const written = await cli("config", "check", "--config", "pipe.yaml");
    writer.kill("SIGKILL");
    expect(written.code).toBe(2);
    expect(written.stderr).toContain("pipe.yaml:1:7");
  });

  it("is looked for in ./meshmend.yaml", async () => {
    writeFileSync(join(cwd, "meshmend.yaml"), "mode: sleep\n");
    const ran = await cli("config", "check");
    rmSync(join(cwd, "meshmend.yaml"));
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("meshmend.yaml:1:7");
  });
});

describe("a wrong command line", () => {
  it.each([
    [["statuss"], "Did you mean status?"],
    [["status", "--jsno"], "Did you mean --json?"],
    [["explain"], "missing required argument 'id'"],
    [["decisions", "--limit", "many"], "Expected a whole number from 1 to 10000."],
    [["completion", "tcsh"], "Allowed choices are bash, zsh, fish."],
    [["plan"], "--dry-run"],
    [["status", "--http", "8480"], "expected HOST:PORT"],
    [["explain", "not an id", "--http", "127.0.0.1:1"], "expected a decision's id"],
    [["member", "add", "n4", "hello"], "address: expected HOST:PORT"],
    [["run", "--client"], "unknown option '--client'"],
    [[], "Usage: meshmend"],
  ])("%j ends with 2 and says what is wrong", async (words, says) => {
    const { code, stdout, stderr } = await cli(...words);
    expect(stderr).toContain(says);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

describe("without a daemon", () => {
  it.each(["status", "decisions", "explain last", "confirm last", "deny last", "events"])(
    "`%s` says so in one line and ends with 3",
    async (command) => {
      // Port 1 (tcpmux) belongs to nobody here, and ordinary programs never get it.
      const { code, stderr } = await cli(...command.split(" "), "--http", "127.0.0.1:1");
      expect(code).toBe(3);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toContain("meshmend run");
    },
  );
});

describe("the version", () => {
  it.each(["version", "--version", "-V"])("is told by `%s`", async (word) => {
    const { code, stdout } = await cli(word);
    expect(stdout).toMatch(/^meshmend \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+\)\n$/);
    expect(code).toBe(0);
  });
});

describe("help", () => {
  const commands = [
    "run",
    "status",
    "decisions",
    "explain",
    "confirm",
    "deny",
    "plan",
    "events",
    "doctor",
    "config check",
    "config print",
    "config reference",
    "completion",
    "version",
  ];
  it.each(commands)("of `%s` has examples and ends with 0", async (command) => {
    const { code, stdout } = await cli(...command.split(" "), "--help");
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: meshmend");
    expect(stdout).toMatch(/Examples:\n {2}\S/);
  });
});

describe("a completion script", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    it(`for ${shell} is one that ${shell} reads`, async (ctx) => {
      const { code, stdout } = await cli("completion", shell);
      expect(code).toBe(0);
      expect(stdout).toContain("meshmend");
      const checked = spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" });
      const missing = checked.error !== undefined;
      ctx.skip(missing, `needs ${shell}: its script is generated, but not checked here`);
      expect(checked.stderr).toBe("");
      expect(checked.status).toBe(0);
    });
  }

  it("completes commands, options and choices in bash", async () => {
    const { stdout } = await cli("completion", "bash");
    const complete = (line: string): string[] => {
      const words = line.split(" ");
      const quoted = words.map((word) => `'${word}'`).join(" ");
      const script = `${stdout}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _meshmend; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return spawnSync("bash", ["-c", script], { encoding: "utf8" }).stdout.trim().split("\n");
    };
    expect(complete("meshmend de")).toEqual(["decisions", "deny"]);
    expect(complete("meshmend config ")).toEqual(["check", "print", "reference", "--help"]);
    expect(complete("meshmend status --w")).toEqual(["--watch"]);
    expect(complete("meshmend completion z")).toEqual(["zsh"]);
  });
});

describe("config", () => {
  it("is printed so that it can be used again, each value with its source", async () => {
    const environment = { MESHMEND_LOOP_PERIOD: "2s" };
    const printed = await runCli(["config", "print", "--mode", "act"], { cwd, environment });
    expect(printed.stdout).toContain("mode: act  # flag --mode");
    expect(printed.stdout).toContain("  period: 2s  # environment MESHMEND_LOOP_PERIOD");
    writeFileSync(join(cwd, "again.yaml"), printed.stdout);
    const again = await cli("config", "print", "--config", "again.yaml", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({
      config: { mode: "act", loop: { periodMs: 2_000 } },
      sources: { mode: { kind: "file", path: "again.yaml" } },
    });
  });

  it("has a reference and a JSON Schema", async () => {
    expect((await cli("config", "reference")).stdout).toContain("### `loop.period`");
    const { stdout } = await cli("config", "reference", "--json-schema");
    expect(JSON.parse(stdout)).toMatchObject({ title: "meshmend.yaml" });
  });
});

describe("doctor", () => {
  it("finds that the daemon can run here, and names what is missing", async () => {
    const { code, stdout } = await cli("doctor", "--json", "--http", "127.0.0.1:0");
    const report = JSON.parse(stdout) as {
      canRun: boolean;
      checks: { name: string; state: string; remedy?: string }[];
    };
    expect({ code, canRun: report.canRun }).toEqual({ code: 0, canRun: true });
    for (const { state, remedy } of report.checks) {
      expect(state === "no" ? remedy : "none needed").toBeTruthy();
    }
    expect(report.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["data directory", "CAP_NET_ADMIN", "batman-adv", "clock"]),
    );
  });

  it("ends with 1 where the data directory cannot be", async () => {
    writeFileSync(join(cwd, "file"), "");
    const { code, stdout } = await cli(
      "doctor",
      "--data-dir",
      "file/below",
      "--http",
      "127.0.0.1:0",
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^no +data directory/m);
  });
});

describe("version", () => {
  it("is the package's", async () => {
    const { stdout, code } = await cli("version");
    expect(stdout).toMatch(/^meshmend \d+\.\d+\.\d+ \(Node 24\.\d+\.\d+\)\n$/);
    expect(code).toBe(0);
  });
});
