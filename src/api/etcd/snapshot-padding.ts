/**
 * A snapshot file's outline. etcd's clients know a snapshot by its size: a multiple of 512 bytes
 * (their database's pages) and 32 more, the SHA-256 of what is before. So ours is filled up with
 * zeros, the last eight bytes of the filling saying how long the content is.
 */

const pageBytes = 512;
const lengthBytes = 8;
/** Above what a client takes as one message (4 MiB by default), cut; below, as it comes. */
const maxBlobBytes = 256 * 1024;

export async function* padded(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let contentBytes = 0;
  for await (const chunk of chunks) {
    contentBytes += chunk.length;
    for (let at = 0; at < chunk.length; at += maxBlobBytes) {
      yield chunk.subarray(at, at + maxBlobBytes);
    }
  }
  const filled = Math.ceil((contentBytes + lengthBytes) / pageBytes) * pageBytes;
  const padding = Buffer.alloc(filled - contentBytes);
  padding.writeBigUInt64BE(BigInt(contentBytes), padding.length - lengthBytes);
  yield padding;
}
