/**
 * Replays every file of transcripts/. A line that starts with ">" is a command, the lines below it
 * are what must follow; "#" and text before the first command are for the reader. To accept what
 * the core says now: MESHMEND_UPDATE_TRANSCRIPTS=1, then read the difference.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { Transcript } from "./transcript.ts";

const folder = path.join(import.meta.dirname, "transcripts");
const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));

/** The same text with everything below each command replaced by what really follows. */
function replayed(text: string): string {
  const transcript = new Transcript();
  const lines: string[] = [];
  let speaking = false;
  for (const line of text.trimEnd().split("\n")) {
    if (line.startsWith(">")) {
      lines.push(line, ...transcript.run(line.slice(1)));
      speaking = true;
    } else if (line.startsWith("#") || line === "") {
      speaking = false;
      lines.push(line);
    } else if (!speaking) lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}

describe("transcripts", () => {
  it("are many", () => {
    expect(files.length).toBeGreaterThanOrEqual(12);
  });

  it.each(files)("%s", (name) => {
    const file = path.join(folder, name);
    const text = readFileSync(file, "utf8");
    const actual = replayed(text);
    if (process.env["MESHMEND_UPDATE_TRANSCRIPTS"] === "1") writeFileSync(file, actual);
    else expect(actual).toBe(text);
  });
});
