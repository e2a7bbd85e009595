/**
 * Which bytes of a received frame may be kept as views. A view keeps the whole memory it looks into
 * alive, and entries live as long as the log: that is right when they are most of it, and a leak
 * when they are a small part, or when the memory is Node's shared pool for small buffers.
 */

/** A view may keep at most this many times its own bytes alive. */
const maxKeptRatio = 2;

/**
 * The same bytes in the same order, all views of one frame: as they are if they are most of the
 * memory they keep alive, else copied together into memory of just their size.
 */
export function unpinned(views: readonly Uint8Array[]): readonly Uint8Array[] {
  const bytes = views.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const kept = views[0]?.buffer.byteLength ?? 0;
  if (kept <= maxKeptRatio * bytes) return views;
  const own = new Uint8Array(bytes);
  let start = 0;
  return views.map((view) => {
    own.set(view, start);
    const end = start + view.byteLength;
    const copy = own.subarray(start, end);
    start = end;
    return copy;
  });
}
