import { describe, expect, it } from "vitest";
import { columns } from "../../../src/cli/columns.ts";
import { painter, processTerminal } from "../../../src/cli/terminal.ts";

const nowhere = { write: () => true };
const terminalOf = (stdout: { isTTY?: boolean; columns?: number }) =>
  processTerminal({
    env: { NO_COLOR: "1" },
    stdout: { ...nowhere, ...stdout },
    stderr: nowhere,
    cwd: () => "/",
    once: () => undefined,
  });

const head = ["id", "because of", "to do"];
const row = [
  "01M7Y7EWG7MVHGDA4J1PT4Q9CR",
  "interface-down:interface/br0",
  "set br0 down, and up again",
];
const linesOf = (text: string) => text.trimEnd().split("\n");
const paint = painter(true);

describe("a table", () => {
  it("is one line a row where nobody looks at it", () => {
    const lines = linesOf(columns(terminalOf({ columns: 40 }), head, [row]));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe(row.join("  "));
  });

  it("is one line a row on a terminal that has room for it", () => {
    expect(linesOf(columns(terminalOf({ isTTY: true, columns: 84 }), head, [row]))).toHaveLength(2);
  });

  it("fits a narrow terminal, loses nothing, and keeps its first column whole", () => {
    const lines = linesOf(columns(terminalOf({ isTTY: true, columns: 60 }), head, [row]));
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(60);
    expect(lines.join("\n")).toContain(row[0]);
    const rest = lines.slice(1).map((line) => line.slice(28));
    expect(rest.join("").replaceAll(/\s+/g, "")).toHaveLength(
      row.slice(1).join("").replaceAll(/\s+/g, "").length,
    );
  });

  it("never makes a column narrower than a word, whatever the terminal", () => {
    const lines = linesOf(columns(terminalOf({ isTTY: true, columns: 5 }), head, [row]));
    expect(Math.max(...lines.map(({ length }) => length))).toBe(26 + 2 + 12 + 2 + 12);
  });

  it("does not count colours as room", () => {
    const painted = row.map((cell) => paint("red", cell));
    expect(
      linesOf(columns(terminalOf({ isTTY: true, columns: 84 }), head, [painted])),
    ).toHaveLength(2);
  });
});
