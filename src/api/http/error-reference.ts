/** Writes docs/error-codes.md from the table; a test holds the two equal. */

import { type ErrorEntry, errorTable } from "./error-table.ts";

const opening = `# Error codes of the HTTP interface

Every refusal is a problem document (RFC 9457, \`application/problem+json\`) whose \`code\` is one
of these and keeps its meaning. This page is generated from \`src/api/http/error-table.ts\`; to
write it anew: \`node scripts/write-references.ts\`.

## Answers

| status | code | meaning |
|---|---|---|
`;

const atStart = `
## Why the server does not start

| code | meaning |
|---|---|
`;

export function errorReference(): string {
  const entries = Object.entries<ErrorEntry>(errorTable);
  const row = (...cells: readonly (string | number | null)[]) => `| ${cells.join(" | ")} |\n`;
  const answers = entries
    .filter(([, { status }]) => status !== null)
    .map(([code, { status, title, meaning }]) =>
      row(status, `\`${code}\``, `${title}. ${meaning}`),
    );
  const starts = entries
    .filter(([, { status }]) => status === null)
    .map(([code, { title, meaning }]) => row(`\`${code}\``, `${title}. ${meaning}`));
  return opening + answers.join("") + atStart + starts.join("");
}
