/** The image's builder, typed. It is plain JavaScript, since setup runs it on any Node. */

// biome-ignore lint/correctness/useImportExtensions: it would have the name of the types' file here.
export { buildImage, cacheFolder, type LabImage, labProblem } from "./build.mjs";
