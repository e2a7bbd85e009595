import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../src/base/index.ts";
import { MemoryActionJournal, openFileActionJournal } from "../../src/mape-k/io/index.ts";
import { actionJournalComplies } from "./action-journal.ts";

actionJournalComplies("MemoryActionJournal", async () => ({
  journal: new MemoryActionJournal({ capacity: 15 }),
  cleanUp: async () => {},
}));

actionJournalComplies("FileActionJournal", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshmend-journal-"));
  const opened = await openFileActionJournal(join(folder, "actions"), { logger: silentLogger });
  if (!opened.ok) throw new Error(opened.fault.message);
  return { journal: opened.value, cleanUp: () => rm(folder, { recursive: true }) };
});
