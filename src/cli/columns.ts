/** Tables without lines around them, which fit the terminal they are printed on. */

import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";
import type { Terminal } from "./terminal.ts";

type Row = readonly string[];

const gap = "  ";
/** A column is not made narrower than this: a word a line is worse than a broken line. */
const narrowest = 12;

/** Cells may carry colours, not line ends. Elsewhere than on a terminal a row is one line. */
export function columns(terminal: Terminal, head: Row, rows: readonly Row[]): string {
  const widths = columnWidths(terminal, [head, ...rows]);
  const fitted = (row: Row): string[] =>
    row.map((cell, at) => wrapped(cell, widths[at] ?? Number.POSITIVE_INFINITY));
  const none = Object.fromEntries(
    [
      ["top", "top-mid", "top-left", "top-right"],
      ["bottom", "bottom-mid", "bottom-left", "bottom-right"],
      ["left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
    ].flatMap((names) => names.map((name) => [name, ""] as const)),
  );
  const table = new Table({
    head: head.map((each) => terminal.paint("dim", each)),
    chars: { ...none, middle: gap },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) table.push(fitted(row));
  const lines = table.toString().split("\n");
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/**
 * As wide as what stands in them. Where that is too much the widest give way, except the first: by
 * it a row is found, and its id is copied.
 */
function columnWidths(terminal: Terminal, rows: readonly Row[]): number[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => widthOf(row[at] ?? ""))),
  );
  if (!terminal.isInteractive) return widths;
  const used = widths.reduce((sum, width) => sum + width + gap.length, -gap.length);
  for (let excess = used - terminal.columns; excess > 0; excess--) {
    const widest = Math.max(...widths.slice(1));
    if (widest <= narrowest) break;
    widths[widths.indexOf(widest, 1)] = widest - 1;
  }
  return widths;
}

/** Broken between words; a word that is too long, and has no colour in it, anywhere. */
function wrapped(cell: string, width: number): string {
  if (widthOf(cell) <= width) return cell;
  const pieces = cell.split(" ").flatMap((word) => {
    const breakable = word.length > width && widthOf(word) === word.length;
    return breakable ? (word.match(new RegExp(`.{1,${width}}`, "gsu")) ?? []) : [word];
  });
  const lines: string[] = [];
  for (const piece of pieces) {
    const longer = lines.length === 0 ? piece : `${lines.at(-1)} ${piece}`;
    if (lines.length > 0 && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines.join("\n");
}
