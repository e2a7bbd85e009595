/** This node's identity among its peers from PEM files, read at the start and again when told to. */

import { readFile } from "node:fs/promises";
import { type Fault, failed, fault, messageOf, ok, type Result } from "../../base/index.ts";
import { type PeerCredentials, type PeerIdentity, refusalOfIdentity } from "./peer-credentials.ts";

export interface PeerCredentialFiles {
  /** Certificates of the authorities whose nodes are peers. */
  readonly authorities: string;
  /** This node's, followed by intermediate ones if there are any. */
  readonly certificate: string;
  readonly key: string;
}

/** Fault: E_PEER_CREDENTIALS. */
export async function openFilePeerCredentials(
  files: PeerCredentialFiles,
): Promise<Result<FilePeerCredentials>> {
  const identity = await readIdentity(files);
  return identity.ok ? ok(new FilePeerCredentials(files, identity.value)) : identity;
}

export class FilePeerCredentials implements PeerCredentials {
  readonly #files: PeerCredentialFiles;
  #identity: PeerIdentity;

  constructor(files: PeerCredentialFiles, identity: PeerIdentity) {
    this.#files = files;
    this.#identity = identity;
  }

  current(): PeerIdentity {
    return this.#identity;
  }

  /** New connections use the new files; when those cannot be used the old ones stay, and it says why. */
  async reload(): Promise<Fault | null> {
    const identity = await readIdentity(this.#files);
    if (!identity.ok) return identity.fault;
    this.#identity = identity.value;
    return null;
  }
}

async function readIdentity(files: PeerCredentialFiles): Promise<Result<PeerIdentity>> {
  try {
    const [authorities, certificate, key] = await Promise.all([
      readFile(files.authorities, "utf8"),
      readFile(files.certificate, "utf8"),
      readFile(files.key, "utf8"),
    ]);
    const identity = { authorities, certificate, key };
    const refusal = refusalOfIdentity(identity);
    return refusal === null ? ok(identity) : failed(refusal);
  } catch (thrown) {
    return failed(fault("E_PEER_CREDENTIALS", `the peer certificate: ${messageOf(thrown)}`));
  }
}
