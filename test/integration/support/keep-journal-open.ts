/** A process to be killed: opens an entry in a journal, says so, and never closes it. */

import process from "node:process";
import { silentLogger } from "../../../src/base/index.ts";
import { openFileActionJournal } from "../../../src/mape-k/io/index.ts";
import { sampleDecision } from "../../compliance/sample-decision.ts";

const opened = await openFileActionJournal(process.argv[2] ?? "", { logger: silentLogger });
if (!opened.ok) throw new Error(opened.fault.message);
for (const number of [1, 2]) await opened.value.open({ decision: sampleDecision(number) });
await opened.value.close(sampleDecision(1).id);
const written = await opened.value.open({ decision: sampleDecision(2, { phase: "verifying" }) });
process.stdout.write(written.ok ? "open\n" : `${written.fault.message}\n`);
setInterval(() => {}, 1000);
