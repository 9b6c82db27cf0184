/**
 * fast-check, with a seed that is the same for everybody: a change is not failed by what chance finds in other code.
 * `npm run test:explore` looks with a new seed; what it finds is mended, and kept as an example.
 *
 * GVFX_PROPERTY_SEED: "random", or the seed of a failure to see again (default 20261127).
 */
import fc from "fast-check";

const seed = process.env.GVFX_PROPERTY_SEED ?? "20261127";

if (seed !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });

export default fc;
