/** One member of ours as a process of its own, for benchmarks; takes its options as JSON. */

import { type KvNodeOptions, startKvNode } from "../../test/support/kv-node.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as KvNodeOptions;
const node = await startKvNode(options);
process.stdout.write(`${node.endpoint}\n`);
process.on("SIGTERM", () => void node.stop().then(() => process.exit(0)));
