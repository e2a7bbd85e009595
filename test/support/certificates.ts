/** An authority and certificates of nodes, made by openssl when a test runs. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PeerIdentity } from "../../src/consensus/io/peer-credentials.ts";

export interface IssueOptions {
  /** Default: `URI:spiffe://test/node/<name>`. */
  readonly alternativeName?: string;
  /** Negative: expired by then. */
  readonly days?: number;
}

export interface TestAuthority {
  readonly certificate: string;
  issue(node: string, options?: IssueOptions): PeerIdentity;
  remove(): void;
}

/** Null when there is no openssl here. */
export function makeAuthority(): TestAuthority | null {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-certificates-"));
  const openssl = (...args: readonly string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const remove = () => rmSync(folder, { recursive: true });
  try {
    const self = ["req", "-x509", ...newKey, "-subj", "/CN=test authority", "-days", "2"];
    openssl(...self, "-keyout", "authority.key", "-out", "authority.pem");
  } catch (thrown) {
    remove();
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  }
  const certificate = read("authority.pem");
  return {
    certificate,
    remove,
    issue(node, { alternativeName = `URI:spiffe://test/node/${node}`, days = 1 } = {}) {
      openssl("req", ...newKey, "-subj", `/CN=${node}`, "-keyout", "key.pem", "-out", "csr.pem");
      writeFileSync(join(folder, "extensions"), `subjectAltName=${alternativeName}\n`);
      const by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
      const what = ["-in", "csr.pem", "-out", "cert.pem", "-extfile", "extensions"];
      openssl("x509", "-req", ...by, ...what, "-days", String(days));
      return { authorities: certificate, certificate: read("cert.pem"), key: read("key.pem") };
    },
  };
}
