/** Every exit code of meshmend, in one table; docs/exit-codes.md is held equal to it by a test. */

export const exitCodes = [
  {
    code: 0,
    name: "ok",
    meaning:
      "It worked. A daemon that was asked to stop (SIGTERM, SIGINT, SIGHUP) stopped cleanly.",
  },
  {
    code: 1,
    name: "failure",
    meaning:
      "It did not work; the message says why. Of `kv txn`: the conditions did not hold. " +
      "`kv lock` with a command ends with that command's code.",
  },
  {
    code: 2,
    name: "usage",
    meaning: "A wrong command line or configuration. systemd does not restart after it.",
  },
  { code: 3, name: "unreachable", meaning: "No daemon answers at the address, or not in time." },
  {
    code: 4,
    name: "notFound",
    meaning: "There is no such decision, member, key or lease as was named.",
  },
  {
    code: 5,
    name: "inUse",
    meaning: "The data directory or the address belongs to another process.",
  },
  {
    code: 6,
    name: "removed",
    meaning:
      "The group has removed this node, which must not take part again with the data it has. " +
      "systemd does not restart after it.",
  },
  {
    code: 70,
    name: "internal",
    meaning: "A broken invariant: a fault of meshmend; please report it with the output.",
  },
  {
    code: 130,
    name: "interrupted",
    meaning:
      "Ctrl-C ended a command that follows (`status --watch`, `events`, `kv watch`, `kv lock`).",
  },
  {
    code: 141,
    name: "pipeClosed",
    meaning: "The reader of the output went away, as in `meshmend decisions | head`.",
  },
] as const;

type Row = (typeof exitCodes)[number];

export type ExitCode = Row["code"];

/** By name: `exitCode.usage` is 2. */
export const exitCode = Object.fromEntries(exitCodes.map(({ name, code }) => [name, code])) as {
  readonly [Each in Row as Each["name"]]: Each["code"];
};

/** The text of docs/exit-codes.md. */
export function exitCodeReference(): string {
  const rows = exitCodes.map(
    ({ code, meaning }) => `| ${code} | ${meaning.replaceAll("|", "\\|")} |`,
  );
  return [
    "# Exit codes",
    "",
    "<!-- Generated from src/cli/exit-code.ts; a test holds it equal. -->",
    "",
    "| code | meaning |",
    "|---|---|",
    ...rows,
    "",
  ].join("\n");
}
